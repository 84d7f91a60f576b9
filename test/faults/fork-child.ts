// The process that another one starts in the midst of its calls. Says which descriptors it has, and works with a handle of its own
// until the other one has closed its handle.
//   fork-child.js services|marks NETNS
import { once } from 'node:events'
import { subjectsOf } from './life-subjects.ts'
import { descriptorLinks } from './world.ts'

const [name, netns] = process.argv.slice(2) as [string, string]
const links = descriptorLinks()
const subject = subjectsOf({ hasIpvs: true }).find((each) => each.name === name)
if (subject === undefined) throw new Error(`no handles of ${name}`)
const handle = await subject.open(netns)
await subject.add(handle, 60_000)
const told = once(process, 'message')
process.send?.(links)
await told
if (!(await subject.list(handle)).includes(60_000)) throw new Error('what the child added has gone')
await subject.remove(handle, 60_000)
await handle.close()
process.disconnect()
