// `ipvs-director schema`: the JSON Schema of the site file.
import type { Command } from 'commander'

/** Adds the command `schema`. */
export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('prints the JSON Schema of the site file, for editors')
    .action(async () => {
      const { siteJsonSchema } = await import('../site/schema.ts')
      process.stdout.write(`${JSON.stringify(siteJsonSchema(), undefined, 2)}\n`)
    })
}
