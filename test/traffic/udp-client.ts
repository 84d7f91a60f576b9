// A UDP client with a fixed port. Sends TIMES requests one after the other and prints each reply, or `no reply`. The socket is
// connected: replies from other addresses than HOST do not count.
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
socket.on('error', () => undefined) // connection refused: no reply
for (let sent = 0; sent < Number(times); sent++) {
  const reply = new Promise<string>((resolve) => {
    socket.once('message', (text) => resolve(text.toString()))
  })
  socket.send('who')
  console.log(await Promise.race([reply, sleep(LONGEST_MS, 'no reply')]))
  socket.removeAllListeners('message')
  await sleep(PAUSE_MS)
}
socket.close()
