// Runs all checks on the facts, one line per subject.
import { bundleChecks } from './bundles.ts'
import { deliveryChecks } from './delivery.ts'
import { drainingChecks } from './draining.ts'
import type { Check, Facts } from './facts.ts'
import { good, type Finding } from './finding.ts'
import { forwardingChecks } from './forwarding.ts'
import { linkChecks } from './links.ts'
import { markWayChecks } from './mark-way.ts'
import { markChecks } from './marks.ts'
import { packetFilterChecks } from './packet-filter.ts'
import { policyChecks } from './policy.ts'
import { explainRefusal } from './refusal.ts'
import { schedulingChecks } from './scheduling.ts'
import { serviceChecks } from './services.ts'
import { tunnelChecks } from './tunnels.ts'

// prettier-ignore
const checks: readonly Check[] = [
  ...forwardingChecks,
  ...linkChecks,
  ...tunnelChecks,
  ...deliveryChecks,
  ...packetFilterChecks,
  ...markWayChecks,
  ...markChecks,
  ...bundleChecks,
  ...schedulingChecks,
  ...drainingChecks,
  ...policyChecks,
  ...serviceChecks,
]

/** All findings, the worst first; without problems the good finding `nothing` comes first. */
export function diagnose(facts: Facts): Finding[] {
  if (facts.refused !== undefined) return [explainRefusal(facts.refused)]
  const found = checks.flatMap((check) => check(facts))
  const problems = (['bad', 'risk'] as const).flatMap((wanted) => found.filter(({ level }) => level === wanted))
  const nothing = good('nothing', `${facts.services.length} services, no problem found`)
  return [...(problems.length > 0 ? problems : [nothing]), ...found.filter(({ level }) => level === 'good')]
}

// Commands to run inside the namespace.
const enters = (command: string): boolean => /^(sysctl|ip|nft|ssh|ip6?tables(-nft)?) /.test(command)

/** Rewrites fixes to work from outside of the namespace `netns`, a name or a path. */
export function fromOutside(findings: readonly Finding[], netns: string): Finding[] {
  const enter = netns.includes('/') ? `nsenter --net=${netns}` : `ip netns exec ${netns}`
  return findings.map(({ fix, ...finding }) => {
    if (fix === undefined) return finding
    const inside = fix.map((command) => {
      if (enters(command)) return `${enter} ${command}`
      return /^(sudo )?ipvs /.test(command) ? `${command} --netns ${netns}` : command
    })
    return { ...finding, fix: inside }
  })
}
