// Makes pictures of the command line for the README, docs/pictures/*.svg: real output, on a real kernel, with real traffic.
//   npm run pictures
// In the lab it builds the demo's network, runs clients and servers, and runs the program on a terminal.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { renderSvg } from './terminal-svg.mjs'

const root = new URL('..', import.meta.url).pathname
const COLUMNS = 100
const CLEAR = '\u001B[H\u001B[2J'

/** File names and command lines. */
const pictures = [
  { name: 'list', words: 'ipvs list --watch' },
  { name: 'connections', words: 'ipvs connections --count-by client,destination --top 8 --watch' },
  { name: 'doctor', words: 'ipvs doctor' },
]

const vip = '172.16.0.100'
const setup = `
  ipvs marks add 7 ${vip} tcp 80,443 --comment web
  ipvs add service mark:7 --scheduler wlc --persistence 360
  ipvs add destination mark:7 10.0.0.7
  ipvs add destination mark:7 10.0.0.17 --weight 3
  ipvs add destination mark:7 10.0.0.27 --weight 0
  ipvs add service tcp:${vip}:5432 --scheduler lc
  ipvs add destination tcp:${vip}:5432 10.0.0.7
  ipvs add destination tcp:${vip}:5432 10.0.0.17 --upper 100
  ipvs add service udp:${vip}:53 --scheduler rr
  ipvs add destination udp:${vip}:53 10.0.0.7
  ipvs add destination udp:${vip}:53 10.0.0.17
`
// A finding for the doctor, in addition to the kernel's defaults.
const illness = `ipvs marks add 9 ${vip} tcp 8443`

const serverProgram = `
  import { createServer } from 'node:net'
  import { createSocket } from 'node:dgram'
  const answer = (socket) => socket.on('error', () => {}).on('data', () => socket.write(Buffer.alloc(8000)))
  for (const port of [80, 443, 5432]) createServer(answer).listen(port)
  const dns = createSocket('udp4', (query, from) => dns.send(Buffer.alloc(120), from.port, from.address)).bind(53)`
const clientProgram = `
  import { connect } from 'node:net'
  import { createSocket } from 'node:dgram'
  const clients = Array.from({ length: 12 }, (_, at) => '172.16.0.' + (51 + at))
  const any = (list) => list[Math.floor(Math.random() ** 2 * list.length)]
  setInterval(() => {
    const socket = connect({ host: '${vip}', port: any([443, 80, 5432]), localAddress: any(clients) })
    socket.on('error', () => {}).on('connect', () => socket.write('?'.repeat(400))).resume()
    setTimeout(() => socket.end(), 500 + Math.random() * 9000)
  }, 150)
  const dns = createSocket('udp4').bind(0, clients[0])
  setInterval(() => dns.send('?'.repeat(40), 53, '${vip}'), 400)`

const run = (command, args) => {
  const { status, stderr } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}

/** Runs in the lab: writes the terminal's output to DIRECTORY/NAME.txt. */
async function inside(directory) {
  const { Network } = await import('../out/examples/demo/network.js')
  const wrapper = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/cli.cjs')}' "$@"\n`
  writeFileSync('/usr/local/bin/ipvs', wrapper, { mode: 0o755 })
  run('modprobe', ['ip_vs'])
  const network = new Network('pictures')
  await network.build()
  const at = (name, ...words) => ['netns', 'exec', network.namespace(name), ...words]
  const addresses = Array.from({ length: 12 }, (_, index) => `ip address add 172.16.0.${51 + index}/24 dev eth0`)
  run('ip', at('client', 'sh', '-ec', addresses.join('\n')))
  run('ip', at('director', 'sh', '-ec', setup))
  const start = (name, program) =>
    spawn('ip', at(name, process.execPath, '--input-type=module', '-e', program), { stdio: 'inherit' })
  const servers = ['server-7', 'server-17'].map((name) => start(name, serverProgram))
  await setTimeout(5000)
  const traffic = start('client', clientProgram)
  await setTimeout(15_000)
  for (const { name, words } of pictures) {
    if (name === 'doctor') run('ip', at('director', 'sh', '-ec', illness))
    const file = join('/tmp', `${name}.txt`)
    const typed = `stty cols ${COLUMNS} rows 40; ${words}`
    const child = spawn('ip', at('director', 'script', '-qefc', typed, file), {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const exited = once(child, 'exit')
    // --watch never ends; rates need a few rounds.
    if (words.includes('--watch')) {
      for (let tries = 0; tries < 100 && framesOf(file).length < 6; tries++) await setTimeout(500)
      child.kill('SIGINT')
    }
    await exited
    copyFileSync(file, join(directory, `${name}.txt`))
  }
  for (const child of [traffic, ...servers]) child.kill()
}

/** The successive screens: --watch clears the screen before each. */
function framesOf(file) {
  if (!existsSync(file)) return []
  const session = readFileSync(file, 'utf8').replace(/^Script started.*\n/, '')
  const text = session.replace(/\n?Script done[^]*$/, '').replaceAll('\r', '')
  return text.split(CLEAR)
}

/** The last complete screen. */
function lastFrame(file) {
  const frames = framesOf(file)
  const frame = (frames.length > 2 ? frames.at(-2) : frames.at(-1))?.trimEnd()
  if (!frame) throw new Error(`no screen in ${JSON.stringify(readFileSync(file, 'utf8'))}`)
  return frame
}

function outside() {
  const directory = mkdtempSync(join(tmpdir(), 'ipvs-pictures-'))
  try {
    const self = join(root, 'scripts/pictures.mjs')
    const lab = [join(root, 'out/lab/main.js'), '--kernel', '6.12', '--output', directory, '--']
    run(process.execPath, [...lab, process.execPath, self, '--inside', directory])
    const target = join(root, 'docs/pictures')
    mkdirSync(target, { recursive: true })
    for (const { name, words } of pictures) {
      const frame = lastFrame(join(directory, `${name}.txt`))
      writeFileSync(join(target, `${name}.svg`), renderSvg(`$ ${words}\n${frame}`, words))
      console.log(`docs/pictures/${name}.svg`)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const [mode, directory] = process.argv.slice(2)
if (mode === '--inside') {
  await inside(directory)
  process.exit(0)
} else outside()
