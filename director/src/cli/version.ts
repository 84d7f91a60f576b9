// The version of this package.
import { createRequire } from 'node:module'

/** Of package.json, two folders above dist/cli/. */
export const version: string = (createRequire(import.meta.url)('../../package.json') as { version: string }).version
