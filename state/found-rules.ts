// Rules of another packet filter that belong to IPVS: marks, masquerade of the servers' connections, redirects.
import type { MarkPort, MarkRule, NatRule } from 'ipvs'

/** A rule that was not taken over, or means something else. */
export interface PacketFilterRemark {
  /** Line of the text, from 1; of JSON the number of the rule. */
  readonly line: number
  /** What was left out or changed, and why. */
  readonly text: string
}

/** Rules of another packet filter. */
export interface PacketFilterRules {
  /** Rules with the same mark, address and protocol are one rule. */
  readonly marks: readonly MarkRule[]
  /** `masquerade` and `redirect`. */
  readonly nat: readonly NatRule[]
  /** In the order of the text. */
  readonly remarks: readonly PacketFilterRemark[]
}

/** What a rule says, whatever its syntax. */
export interface RuleParts {
  mark?: number
  mask?: number
  action?: 'mark' | 'masquerade' | 'redirect'
  address?: string
  source?: string
  protocol?: MarkRule['protocol']
  ports?: readonly MarkPort[]
  sourcePorts?: readonly MarkPort[]
  interface?: string
  toPort?: number
  comment?: string
}

type Ports = 'all' | readonly MarkPort[]

const ALL_BITS = 0xff_ff_ff_ff

function joinedPorts(one: Ports, other: Ports): Ports {
  return one === 'all' || other === 'all' ? 'all' : [...new Set([...one, ...other])]
}

/** Collects rules. */
export class FoundRules {
  readonly #marks = new Map<string, MarkRule & { ports: Ports }>()
  readonly #nat: NatRule[] = []
  readonly #remarks: PacketFilterRemark[] = []

  remark(line: number, text: string): void {
    this.#remarks.push({ line, text })
  }

  /** `everywhere`: the block of all addresses of the rule's family. */
  add(line: number, parts: RuleParts, everywhere: string): void {
    const { action = 'mark', address = everywhere, source, protocol = 'all', sourcePorts, comment } = parts
    const common = { protocol, ...(comment === undefined ? {} : { comment: comment.replaceAll('"', "'") }) }
    if (action === 'masquerade') {
      const to = parts.address === undefined ? {} : { address }
      this.#nat.push({ action, source: source ?? everywhere, ...common, sourcePorts: sourcePorts ?? 'all', ...to })
      return
    }
    if (sourcePorts !== undefined) return this.remark(line, 'not taken over: a rule by source port')
    const from = {
      ...(source === undefined ? {} : { source }),
      ...(parts.interface === undefined ? {} : { interface: parts.interface }),
    }
    if (action === 'redirect') {
      const port = parts.toPort === undefined ? {} : { toPort: parts.toPort }
      this.#nat.push({ action, address, ...common, ports: parts.ports ?? 'all', ...port, ...from })
      return
    }
    this.#addMark(line, { ...common, ...from, address, ports: parts.ports ?? 'all' }, parts)
  }

  #addMark(
    line: number,
    rule: Omit<MarkRule, 'mark' | 'ports'> & { ports: Ports },
    { mark = 0, mask = ALL_BITS }: RuleParts,
  ): void {
    if (mark === 0) return this.remark(line, 'not taken over: the mark 0 is no mark')
    if ((mark & ~mask) !== 0) return this.remark(line, 'not taken over: it changes bits outside of its mask')
    const whole = { mark, ...(mask === ALL_BITS ? {} : { mask }), ...rule }
    const { ports } = whole
    const key = JSON.stringify({ ...whole, ports: undefined, comment: undefined })
    const known = this.#marks.get(key)
    if (known === undefined) this.#marks.set(key, whole)
    else known.ports = joinedPorts(known.ports, ports)
  }

  get all(): PacketFilterRules {
    const remarks = this.#remarks.toSorted((one, other) => one.line - other.line)
    return { marks: [...this.#marks.values()], nat: this.#nat, remarks }
  }
}
