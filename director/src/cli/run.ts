// `ipvs-director run`: the daemon.
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { controlSocket } from '../control/files.ts'
import { metricsAddress, serveMetrics, type MetricsAddress } from '../control/metrics-server.ts'
import type { DirectorEvent } from '../control/events.ts'
import { foldersOf, withFile, type FileOptions } from './options.ts'

const levels = { info: 'info', warning: 'warn', error: 'error' } as const

interface RunOptions extends FileOptions {
  readonly metrics?: MetricsAddress
}

async function run(options: RunOptions): Promise<void> {
  const [{ pino }, { serve }, { prepare }] = await Promise.all([
    import('pino'),
    import('../control/server.ts'),
    import('./start.ts'),
  ])
  const log = pino({
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  })
  const { director, events, end } = await prepare(options)
  events.listen(({ level, kind, text, subject, id }: DirectorEvent) => log[levels[level]]({ id, kind, subject }, text))
  const folders = foldersOf(options)
  try {
    await mkdir(folders.runtime, { recursive: true, mode: 0o755 })
    const server = await serve(controlSocket(folders), director)
    let page: AsyncDisposable | undefined
    try {
      if (options.metrics !== undefined) page = await serveMetrics(options.metrics, () => director.metrics())
      process.on('SIGHUP', () => director.requestReload())
      const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
      await director.start()
      await stopped
    } finally {
      await page?.[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    }
  } finally {
    await end()
  }
}

function addressOf(text: string): MetricsAddress {
  const address = metricsAddress(text)
  if (address === undefined) throw new InvalidArgumentError('Write it such as 127.0.0.1:9640, [::1]:9640 or 9640.')
  return address
}

export function addRun(program: Command): void {
  withFile(program.command('run'))
    .description(
      'runs the daemon in the foreground: keeps the kernel as the site says, until SIGTERM; SIGHUP reloads the site',
    )
    .addOption(
      new Option(
        '--metrics <address>',
        'serves metrics for Prometheus over TCP, such as 127.0.0.1:9640; whoever reaches it can read them',
      ).argParser(addressOf),
    )
    .action(async (options: RunOptions) => run(options))
}
