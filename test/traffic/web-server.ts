// A web server: HTTP on four ports, TLS on 443. Replies with its name and the client address that it sees.
//   node web-server.js NAME KEY CERTIFICATE
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

const [name = '', key = '', certificate = ''] = process.argv.slice(2)
const answer: RequestListener = (request, response) => {
  response.setHeader('connection', 'close') // each request is a connection
  response.end(`${name} ${request.socket.remoteAddress?.replace('::ffff:', '')}\n`)
}
const tls = { key: readFileSync(key), cert: readFileSync(certificate) }
const listening = [
  ...[80, 81, 8080, 8081].map((port) => createServer(answer).listen(port, '::')),
  createTlsServer(tls, answer).listen(443, '::'),
]
await Promise.all(listening.map(async (server) => once(server, 'listening')))
console.log('ready')
