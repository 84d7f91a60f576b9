import type { CurrentState } from '../../../state/index.ts'

/** A kernel with nothing but its default timeouts. */
export const emptyState: CurrentState = {
  version: 1,
  timeouts: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 },
  services: [],
  daemons: [],
  marks: [],
  nat: [],
}
