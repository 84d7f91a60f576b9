// A UDP server that replies to each datagram with its name.
//   node udp-server.js NAME PORT
import { createSocket } from 'node:dgram'

const [name = '', port = ''] = process.argv.slice(2)
const socket = createSocket('udp6')
socket.on('message', (_message, { address, port: from }) => socket.send(name, from, address))
socket.bind(Number(port), () => console.log('ready'))
