// The client: requests the given URLs, with a new connection for each, and prints a JSON array of the replies.
//   node client.js URL ...
import { get } from 'node:http'
import { get as getTls } from 'node:https'
import { text } from 'node:stream/consumers'

async function request(url: string): Promise<string> {
  const settings = { agent: false, timeout: 10_000, rejectUnauthorized: false } // the certificate is the demo's own
  return new Promise((resolve, reject) => {
    const sent = (url.startsWith('https:') ? getTls : get)(url, settings, (response) => {
      text(response).then(resolve, reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no reply from ${url}`)))
    sent.on('error', reject)
  })
}

const replies: string[] = []
for (const url of process.argv.slice(2)) replies.push(await request(url))
console.log(JSON.stringify(replies))
