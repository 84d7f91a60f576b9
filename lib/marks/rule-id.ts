// Numbers of rules.
import type { AddressBlock } from '../values/address-block.ts'
import { FULL_MASK, type CheckedRule } from './rule.ts'

// The last step of MurmurHash3: every bit of the word has an effect on every bit of the result.
function spread(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}

const halves = new DataView(new ArrayBuffer(8)) // computing with bigints would make one for each step

// Two halves of 32 bits, each mixed in its own way (the constants are those of MurmurHash3).
class Hash {
  #high = 0x9747b28c | 0 // "| 0": larger numbers are objects
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
 * Number of a rule, which its elements carry in the kernel. It follows from the rule, so that the same rule has the same
 * number in every process; comment and counter are no part of it. Never 0, which elements of others have.
 */
export function ruleId(rule: CheckedRule): bigint {
  const { action, mark, mask, block, protocol, spans, source, interfaceName, targetPort } = rule
  const hash = new Hash()
  hash.add(mark)
  hash.add(protocol)
  hash.add(block.family === 'ipv4' ? 4 : 6)
  hash.addBlock(block)
  for (const { from, to } of spans) hash.add((from << 16) | to)
  // Kernels hold numbers of rules without what follows: it may not change theirs.
  if (mask !== FULL_MASK) hash.add(mask)
  if (source !== undefined) hash.addBlock(source)
  if (interfaceName !== '') for (const letter of Buffer.from(interfaceName)) hash.add(letter)
  if (action !== 'mark') hash.add((actions.indexOf(action) << 16) | targetPort)
  return hash.value || 1n
}
