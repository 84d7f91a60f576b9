// A client of UDP that keeps its port: asks one time after the other, and prints who answered, or nobody. Answers of anybody but HOST
// are none.
//   node udp-client.js HOST PORT OWN-PORT TIMES
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const [PAUSE_MS, LONGEST_MS] = [300, 2000]
const [host = '', port = '', own = '', times = ''] = process.argv.slice(2)
const socket = createSocket('udp4')
socket.bind(Number(own))
await once(socket, 'listening')
socket.connect(Number(port), host)
await once(socket, 'connect')
socket.on('error', () => undefined) // refused: nobody
for (let asked = 0; asked < Number(times); asked++) {
  const answer = new Promise<string>((resolve) => {
    socket.once('message', (text) => resolve(text.toString()))
  })
  socket.send('who')
  console.log(await Promise.race([answer, sleep(LONGEST_MS, 'nobody')]))
  socket.removeAllListeners('message')
  await sleep(PAUSE_MS)
}
socket.close()
