// `ipvs-director run`: the daemon.
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import type { Command } from 'commander'
import { controlSocket } from '../control/files.ts'
import type { DirectorEvent } from '../control/events.ts'
import { foldersOf, withFile, type FileOptions } from './options.ts'

const levels = { info: 'info', warning: 'warn', error: 'error' } as const

async function run(options: FileOptions): Promise<void> {
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
    try {
      process.on('SIGHUP', () => director.requestReload())
      const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
      await director.start()
      await stopped
    } finally {
      await server[Symbol.asyncDispose]()
    }
  } finally {
    await end()
  }
}

export function addRun(program: Command): void {
  withFile(program.command('run'))
    .description(
      'runs the daemon in the foreground: keeps the kernel as the site says, until SIGTERM; SIGHUP reloads the site',
    )
    .action(async (options: FileOptions) => run(options))
}
