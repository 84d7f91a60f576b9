// udp: one datagram. A port that the server refuses fails; silence fails only when an answer is expected.
import type { Socket } from 'node:dgram'
import { type Attempt, run } from './attempt.ts'
import { connectUdp } from './datagram.ts'
import { ProbeFailure } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'
import { expression, unescaped } from './tcp.ts'

/** Without `expect`, silence within the limit of `firstByte` succeeds: many protocols answer nothing to such a datagram. */
export const probeUdp: Probe<CheckOf<'udp'>> = (check, target, sockets, signal) =>
  run({ ...check.limits, firstByte: Infinity }, signal, async (attempt) => {
    const { expect, send } = check
    const { firstByte } = check.limits
    const pattern = expect === undefined ? undefined : expression(expect)
    const socket = await connectUdp(attempt, check, target, sockets)
    attempt.enter('firstByte')
    const data = unescaped(send)
    attempt.log('>', data)
    socket.send(data)
    const answer = await firstMessage(attempt, socket, Math.min(firstByte, Math.max(1, attempt.remaining - 5)))
    if (answer === undefined && pattern === undefined) return 'not refused, no answer'
    if (answer === undefined) throw new ProbeFailure(`no answer within ${String(firstByte)} ms (firstByte)`, false)
    attempt.log('<', answer)
    if (pattern?.test(answer.toString('utf8')) === false) throw new ProbeFailure('the answer does not match `expect`')
    return pattern === undefined ? 'answered' : 'answered as expected'
  })

/** `undefined`: none within the limit. */
function firstMessage(attempt: Attempt, socket: Socket, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), limit)
    attempt.atEnd(() => clearTimeout(timer))
    socket.once('message', resolve)
  })
}
