// `ipvs lab` for help and completion. The lab parses its own command line: see main.ts.
import type { Command } from 'commander'
import type { Context } from '../shared/context.ts'

export function registerLab(program: Command, _context: Context): void {
  program
    .command('lab')
    .argument('[command...]', 'a command with its arguments, or: setup, shell')
    .description('run a command on a real kernel with IPVS, in an emulator')
    .option('--kernel <kernel>', '5.10, 6.1, 6.12, newest, uml')
    .option('--timeout <seconds>', 'end the command after this time, with status 124')
    .option('--memory <mb>', 'default 2048')
    .option('--cpus <number>', 'default 2')
    .option('--output <directory>', 'keep files written below it')
    .option('--all', 'setup: all kernels')
    .addHelpText('after', '\nExamples:\n  ipvs lab setup\n  ipvs lab --kernel 6.12 -- ipvs doctor\n  ipvs lab shell')
    .action((_words: string[], _options: object, command: Command) =>
      command.error('error: lab must be the first argument: ipvs lab COMMAND'),
    )
}
