// An agent of a server: answers each connection with the content of a file.
//   node agent-server.js PORT FILE
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const [port = '', file = ''] = process.argv.slice(2)
createServer((socket) => socket.on('error', () => undefined).end(readFileSync(file))).listen(Number(port), '::', () =>
  console.log('ready'),
)
