// The way to the weight of a server, in lines for people.
import type { Decision } from './decision.ts'
import type { Override } from './inputs.ts'
import { overrideOf } from './overrides.ts'
import type { ServiceDecision } from './service.ts'

const places = {
  traffic: 'gets new connections',
  draining: 'in the table with weight 0: no new connections',
  absent: 'not in the table',
} as const

const percent = (factor: number): string => `${Math.round(factor * 100)} %`

function factorLines({ factors, weight, place, code }: Decision): string[] {
  const { configured, scale, slowStart, agent } = factors
  const lines = [`configured weight: ${configured}`]
  if (scale !== 1) lines.push(`scale: ${scale}, so that parts of a weight have room`)
  if (slowStart !== 1) lines.push(`slow start: ${percent(slowStart)}`)
  if (agent !== 1) lines.push(`agent: ${percent(agent)}`)
  if (place === 'traffic') lines.push(`together: ${weight}${weight === 1 && code !== 'up' ? ' (1 is the least)' : ''}`)
  return lines
}

function overrideLines({ kind, target, who, why, since, until }: Override): string[] {
  const end = until === undefined ? 'until it is ended' : `until ${new Date(until).toISOString()}`
  const said = why === '' ? '' : `: ${why}`
  return [`override: ${kind} of ${target} by ${who} since ${new Date(since).toISOString()}, ${end}${said}`]
}

/**
 * Why a server has its weight: its place, the reason, the override, each factor, the alarms of its service. `undefined`: the
 * service has no such server.
 *
 * @param overrides - As given to `desired()`.
 */
export function explainServer(
  { service, servers, sorry, alarms }: ServiceDecision,
  name: string,
  overrides: readonly Override[],
  now: number,
): string[] | undefined {
  const decision = servers.find(({ server }) => server.name === name)
  if (decision === undefined) return undefined
  const override = overrideOf(overrides, service.name, name, now)
  return [
    `${decision.id}: ${places[decision.place]}, weight ${decision.weight}`,
    `because: ${decision.reason}`,
    ...(override === undefined ? [] : overrideLines(override)),
    ...factorLines(decision),
    ...(sorry ? [`the sorry server ${service.sorry?.address} has the traffic of ${service.name}`] : []),
    ...alarms.map((alarm) => `alarm: ${alarm}`),
  ]
}
