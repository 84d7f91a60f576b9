// The line of HAProxy's agent-check: words such as `up`, `75%`, `drain`, and a reason after `#`.
import type { AgentReport } from '../../desired/inputs.ts'

/** What one line says, or several lines together. `undefined`: the line has no such word, the earlier one holds. */
export interface AgentLine {
  /** Factor of the weight: `75%` is 0.75. */
  readonly weight: number | undefined
  /** `maintenance` is written `maint`. */
  readonly admin: 'ready' | 'drain' | 'maintenance' | undefined
  /** `down`, also written `failed` or `stopped`. */
  readonly health: 'up' | 'down' | undefined
  readonly reason: string
}

const admins: Readonly<Record<string, AgentLine['admin']>> = { ready: 'ready', drain: 'drain', maint: 'maintenance' }
const healths: Readonly<Record<string, AgentLine['health']>> = {
  up: 'up',
  down: 'down',
  fail: 'down',
  failed: 'down',
  stopped: 'down',
}

/** Reads one line, without its end. Returns the first word that the protocol does not have as a string. */
export function parseAgentLine(text: string): AgentLine | string {
  const hash = text.indexOf('#')
  const reason = hash < 0 ? '' : text.slice(hash + 1).trim()
  const words = (hash < 0 ? text : text.slice(0, hash)).toLowerCase().split(/[\s,]+/)
  let line: AgentLine = { weight: undefined, admin: undefined, health: undefined, reason }
  for (const word of words) {
    if (word === '' || /^maxconn:\d+$/.test(word)) continue
    if (/^\d{1,5}%$/.test(word)) line = { ...line, weight: Number(word.slice(0, -1)) / 100 }
    else if (Object.hasOwn(admins, word)) line = { ...line, admin: admins[word] }
    else if (Object.hasOwn(healths, word)) line = { ...line, health: healths[word] }
    else return word
  }
  return line
}

/** What holds after one more line: weight, administration and health change each for itself. */
export function mergeAgentLines(before: AgentLine | undefined, line: AgentLine): AgentLine {
  return {
    weight: line.weight ?? before?.weight,
    admin: line.admin ?? before?.admin,
    health: line.health ?? before?.health,
    reason: line.reason,
  }
}

/** `down` wins over drain and maintenance. */
export function agentReport(line: AgentLine): AgentReport {
  const state = line.health === 'down' ? 'down' : (line.admin ?? (line.health === 'up' ? 'ready' : undefined))
  return { weight: line.weight, state, reason: line.reason }
}
