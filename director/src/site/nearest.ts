// Suggestions for misspelled words.

/** Edits of one letter, with exchanges of neighbours. */
function distance(one: string, other: string): number {
  let before: number[] = []
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1]
      let best = Math.min(
        (previous[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (previous[column - 1] as number) + (same ? 0 : 1),
      )
      const exchanged =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      if (exchanged) best = Math.min(best, (before[column - 2] as number) + 1)
      current.push(best)
    }
    before = previous
    previous = current
  }
  return previous[other.length] as number
}

/** Words of other programs for the same thing. */
const known: Readonly<Record<string, string>> = {
  vip: 'virtual',
  realServers: 'servers',
  backends: 'servers',
  ip: 'address',
  host: 'address',
  timeoutMs: 'timeout',
  minHealthy: 'minimumHealthy',
  onFail: 'onFailure',
  sni: 'serverName',
  retries: 'fall',
  fwmark: 'mark',
  algorithm: 'scheduler',
  lb_algo: 'scheduler',
  lb_kind: 'forwarding',
  nat: 'masquerade',
  dr: 'direct',
  gatewaying: 'direct',
  ipip: 'tunnel',
  tun: 'tunnel',
  pop3: 'pop',
  exec: 'command',
  script: 'command',
  icmp: 'ping',
}

/** The word that was probably meant; `undefined`: none is near. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  if (word.length > 40) return undefined
  const lower = word.toLowerCase()
  const synonym = Object.hasOwn(known, word) ? known[word] : undefined
  if (synonym !== undefined && words.includes(synonym)) return synonym
  const most = lower.length < 4 ? 1 : lower.length < 8 ? 2 : 3
  let best: string | undefined
  let least = most + 1
  for (const candidate of words) {
    const edits = distance(lower, candidate.toLowerCase())
    if (edits >= least) continue
    least = edits
    best = candidate
  }
  return best
}
