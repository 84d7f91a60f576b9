// The process that is killed: runs a job in a namespace.
//   kill-child.js JOB NETNS
import { killJobs } from './kill-jobs.ts'

const [name, netns] = process.argv.slice(2) as [string, string]
await killJobs[name]?.run(netns)
