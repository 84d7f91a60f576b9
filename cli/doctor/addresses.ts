// Addresses of rules: one address, a block or a range.
import { isIPv6 } from 'node:net'

const bitsOf = (ipv6: boolean): number => (ipv6 ? 128 : 32)

const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))

function toNumber(address: string): bigint {
  if (!isIPv6(address)) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const [left = '', right] = address.split('::')
  const [front, back] = [groups(left), groups(right ?? '')]
  const middle = right === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...middle, ...back].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

function toText(number: bigint, ipv6: boolean): string {
  if (!ipv6) return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.')
  const all = Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - at * 16)) & 0xffffn).toString(16))
  return all.join(':').replace(/(?:^|:)0(?::0)+(?:$|:)/, '::')
}

/** First and last address, as numbers. */
function bounds(text: string): { from: bigint; to: bigint; ipv6: boolean } {
  const ipv6 = text.includes(':')
  const [first = '', last] = text.split('-')
  const [address = '', length] = first.split('/')
  const from = toNumber(address)
  if (last !== undefined) return { from, to: toNumber(last), ipv6 }
  const free = length === undefined ? 0n : BigInt(bitsOf(ipv6) - Number(length))
  return { from, to: from + (1n << free) - 1n, ipv6 }
}

const documentation = { ipv4: '203.0.113.1', ipv6: '2001:db8::1' } as const

/** Sample addresses; all if there are few. Edges of networks may be broadcast addresses, so they are left out. */
export function samples(text: string): string[] {
  const { from, to, ipv6 } = bounds(text)
  if (text.endsWith('/0')) return [ipv6 ? documentation.ipv6 : documentation.ipv4]
  const few = to - from < 4n
  const numbers = few
    ? Array.from({ length: Number(to - from) + 1 }, (_, at) => from + BigInt(at))
    : [from + 1n, (from + to) / 2n, to - 1n]
  return numbers.map((number) => toText(number, ipv6))
}

/** The addresses as blocks, for `ip route`. */
export function blocks(text: string): string[] {
  const { from, to, ipv6 } = bounds(text)
  const found: string[] = []
  for (let start = from; start <= to;) {
    let free = 0n
    while (start % (2n << free) === 0n && start + (2n << free) - 1n <= to && free < BigInt(bitsOf(ipv6))) free++
    const length = BigInt(bitsOf(ipv6)) - free
    found.push(free === 0n ? toText(start, ipv6) : `${toText(start, ipv6)}/${length}`)
    start += 1n << free
  }
  return found
}

/** Whether the address is in a private network. */
export function isPrivate(address: string): boolean {
  if (address.includes(':')) return /^f[cd]/i.test(address)
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(address)
}
