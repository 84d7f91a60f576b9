// A client that opens a connection at a steady rate, until SIGTERM. Then writes what became of each as JSON:
// [start in milliseconds since 1970, the first word of the reply or the error].
//   node steady-client.js HOST PORT PER_SECOND
import { connect } from 'node:net'

const [host = '', port = '', rate = ''] = process.argv.slice(2)
const LONGEST_MS = 5000

async function request(): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port: Number(port), timeout: LONGEST_MS })
    socket.setEncoding('utf8').on('data', (part: string) => (text += part))
    socket.on('connect', () => socket.end('GET / HTTP/1.0\r\n\r\n'))
    socket.on('timeout', () => socket.destroy(new Error('timed out')))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve(/\r\n\r\n(\S+)/.exec(text)?.[1] ?? 'no reply'))
  })
}

const results: Promise<readonly [number, string]>[] = []
const timer = setInterval(
  () => {
    const start = Date.now()
    results.push(request().then((result) => [start, result]))
  },
  1000 / Number(rate),
)
console.log('running')
process.once('SIGTERM', () => {
  clearInterval(timer)
  void Promise.all(results).then((all) => console.log(JSON.stringify(all)))
})
