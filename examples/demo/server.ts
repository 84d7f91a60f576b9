// A real server: HTTP on port 80 and TLS on 443, which reply with the server's name. Runs in the server's namespace.
//   node server.js NAME KEY CERTIFICATE
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'

const [name = '', key = '', certificate = ''] = process.argv.slice(2)
const answer: RequestListener = (_request, response) => {
  response.setHeader('connection', 'close')
  response.end(name)
}
const plain = createServer(answer).listen(80, '0.0.0.0')
const tls = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer).listen(443, '0.0.0.0')
await Promise.all([once(plain, 'listening'), once(tls, 'listening')])
console.log('ready')
process.stdin.resume().on('end', () => process.exit(0)) // exit together with the parent
