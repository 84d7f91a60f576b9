// agent: what the server says of itself, in one line of HAProxy's agent-check protocol.
import { parseAgentLine } from './agent-line.ts'
import { run } from './attempt.ts'
import { Conversation } from './conversation.ts'
import { ProbeFailure } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'

/** Succeeds with a valid line, whatever it says but `down`. */
export const probeAgent: Probe<CheckOf<'agent'>> = (check, target, sockets, signal) =>
  run(check.limits, signal, async (attempt) => {
    const talk = await Conversation.open(attempt, { ...check, tls: undefined }, target, sockets)
    const text = await talk.lineOrEnd()
    const line = parseAgentLine(text)
    if (typeof line === 'string') throw new ProbeFailure(`the agent's word "${line}" is not known`)
    attempt.agent = line
    if (line.health === 'down') throw new ProbeFailure(`the agent says ${text.trim()}`)
    return text.trim()
  })
