// `ipvs-director init`: a site to begin with.
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { exampleSite } from '../site/example.ts'

async function init(file: string | undefined): Promise<void> {
  if (file === undefined) {
    process.stdout.write(exampleSite)
    return
  }
  // An existing file is never replaced.
  await writeFile(file, exampleSite, { flag: 'wx' })
}

/** Adds the command `init`. */
export function addInit(program: Command): void {
  program
    .command('init')
    .description('prints an example of a site file, or writes it to a new file')
    .argument('[file]', 'a file that does not exist yet')
    .action(init)
}
