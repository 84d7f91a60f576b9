// A typical program that loads rules from a file: node program.js FILE
import { readFileSync } from 'node:fs'

import { FirewallMarks, type MarkRule } from 'ipvs'

await using marks = await FirewallMarks.open({ timeoutMs: 600_000 })
await marks.replace(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as MarkRule[])
