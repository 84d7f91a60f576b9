// `ipvs lab` for help and completion. The lab has a command line of its own, which never gets here: see main.ts.
import type { Command } from 'commander'
import type { Context } from '../shared/context.ts'

export function registerLab(program: Command, _context: Context): void {
  program
    .command('lab')
    .argument('[command...]', 'a command with its arguments, or: setup, shell')
    .description('a command on a real kernel with IPVS, in an emulator; for machines without')
    .option('--kernel <kernel>', '5.10, 6.1, 6.12, newest')
    .option('--timeout <seconds>', 'end it after that long, with status 124')
    .option('--memory <mb>', 'default 2048')
    .option('--cpus <number>', 'default 2')
    .option('--output <directory>', 'what is written below it stays')
    .option('--all', 'setup: all kernels')
    .addHelpText('after', '\nExamples:\n  ipvs lab setup\n  ipvs lab --kernel 6.12 -- ipvs doctor\n  ipvs lab shell')
    .action((_words: string[], _options: object, command: Command) =>
      command.error('error: nothing may stand in front of lab: ipvs lab COMMAND'),
    )
}
