// Sysctls that stop or limit IPVS itself.
import type { Check } from './facts.ts'
import { bad, good, risk, setSysctl } from './finding.ts'

const standby: Check = ({ daemons = [], sysctls }) => {
  const name = 'net.ipv4.vs.backup_only'
  const roles = new Set(daemons.map(({ role }) => role))
  if (sysctls[name] !== '1' || !roles.has('backup')) return []
  const what = `a synchronisation daemon with the role backup runs, and ${name} is 1`
  if (!roles.has('master')) return [good('standby', `${what}: this is a standby, which balances nothing`)]
  return [
    bad('backup-only', {
      what: `${what}, though a daemon with the role master runs too`,
      why: 'IPVS balances nothing while the backup daemon runs: clients are refused',
      fix: setSysctl({ [name]: 0 }),
    }),
  ]
}

const drops: Check = ({ services, sysctls }) => {
  const name = 'net.ipv4.vs.drop_packet'
  if (services.length === 0 || sysctls[name] !== '3') return []
  const rate = sysctls['net.ipv4.vs.am_droprate'] ?? '10'
  return [
    risk('drops-always', {
      what: `${name} is 3, and net.ipv4.vs.am_droprate ${rate}`,
      why: `one in ${rate} first packets of connections is dropped, even with plenty of memory: these clients wait for a second or more`,
      fix: setSysctl({ [name]: 0 }),
    }),
  ]
}

export const policyChecks: readonly Check[] = [standby, drops]
