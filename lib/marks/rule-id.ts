// Ids of rules.
import type { AddressBlock } from '../values/address-block.ts'
import { FULL_MASK, type CheckedRule } from './checked-rule.ts'

// The finalizer of MurmurHash3: each bit of the word affects each bit of the result.
function spread(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}

const halves = new DataView(new ArrayBuffer(8)) // bigint arithmetic would allocate at each step

// Two 32-bit halves with different mixing (the constants are from MurmurHash3).
class Hash {
  #high = 0x9747b28c | 0 // "| 0": V8 stores larger numbers as heap objects
  #low = 0x3c6ef372

  add(word: number): void {
    this.#high = Math.imul(this.#high ^ Math.imul(word, 0xcc9e2d51), 0x1b873593)
    this.#high = (this.#high << 13) | (this.#high >>> 19)
    this.#low = Math.imul(this.#low ^ Math.imul(word, 0x85ebca6b), 0xc2b2ae35)
    this.#low = (((this.#low << 15) | (this.#low >>> 17)) + this.#high) | 0
  }

  addBlock({ from, to }: AddressBlock): void {
    for (const byte of from) this.add(byte)
    for (const byte of to) this.add(byte)
  }

  get value(): bigint {
    halves.setInt32(0, spread(this.#high))
    halves.setInt32(4, spread(this.#low))
    return halves.getBigUint64(0)
  }
}

const actions = ['mark', 'masquerade', 'redirect'] as const

/**
 * Id of a rule, which its elements carry in the kernel. It is a hash of the rule without comment and counter, so that equal
 * rules have equal ids in all processes. Never 0, the id of foreign elements.
 */
export function ruleId(rule: CheckedRule): bigint {
  const { action, mark, mask, block, protocol, spans, source, interfaceName, targetPort } = rule
  const hash = new Hash()
  hash.add(mark)
  hash.add(protocol)
  hash.add(block.family === 'ipv4' ? 4 : 6)
  hash.addBlock(block)
  for (const { from, to } of spans) hash.add((from << 16) | to)
  // Compatibility: ids stored before these fields existed must not change, so default values are not hashed.
  if (mask !== FULL_MASK) hash.add(mask)
  if (source !== undefined) hash.addBlock(source)
  if (interfaceName !== '') for (const letter of Buffer.from(interfaceName)) hash.add(letter)
  if (action !== 'mark') hash.add((actions.indexOf(action) << 16) | targetPort)
  return hash.value || 1n
}
