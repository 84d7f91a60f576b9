// A client without pauses: opens connections to each port, several at a time, until SIGTERM. Then writes the number of
// connections per port and result as JSON: { port: { reply or error: number } }.
//   node load-client.js HOST PORT [PORT ...]
import { connect } from 'node:net'

const [host = '', ...ports] = process.argv.slice(2)
const LOOPS = 2 // per port
const LONGEST_MS = 20_000
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())

/** The first word of the reply's body, or the error. */
async function request(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port, timeout: LONGEST_MS })
    socket.setEncoding('utf8').on('data', (part: string) => (text += part))
    socket.on('connect', () => socket.end('GET / HTTP/1.0\r\n\r\n'))
    socket.on('timeout', () => socket.destroy(new Error('timed out')))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve(/\r\n\r\n(\S+)/.exec(text)?.[1] ?? 'no reply'))
  })
}

async function loop(port: number, ends: Record<string, number>): Promise<void> {
  while (!stop.signal.aborted) {
    const end = await request(port)
    ends[end] = (ends[end] ?? 0) + 1
  }
}

const counts: Record<string, Record<string, number>> = {}
const loops = ports.flatMap((port) => {
  const ends = (counts[port] = {})
  return Array.from({ length: LOOPS }, async () => loop(Number(port), ends))
})
console.log('running')
await Promise.all(loops)
console.log(JSON.stringify(counts))
