// `npm run lab -- ...`. From the installed package the same is `ipvs lab ...`.

import { labCommand } from './command.ts'

process.exit(await labCommand(process.argv.slice(2), 'npm run lab --'))
