import { expect, test } from 'vitest'

import { parsePerCpu, parseTotals } from '../../../lib/connections/total-statistics.ts'

const totals = `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
       A  100000000        0 FFFFFFFFFFFFFFFF                0

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       1       1F        0              100                0
`
const perCpu = `       Total Incoming Outgoing         Incoming         Outgoing
CPU    Conns  Packets  Packets            Bytes            Bytes
  0        4        5        0              200                0
 1F        6        7        0               FF                1
  ~        A        C        0              2FF                1

     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
           0        0        0                0                0
`

test('totals are hexadecimal', () => {
  expect(parseTotals(totals)).toEqual({
    connections: 10n,
    inPackets: 0x100000000n,
    outPackets: 0n,
    inBytes: 2n ** 64n - 1n,
    outBytes: 0n,
    rates: { connections: 1, inPackets: 31, outPackets: 0, inBytes: 256, outBytes: 0 },
  })
})

test('a line for each processor', () => {
  expect(parsePerCpu(perCpu)).toEqual([
    { cpu: 0, connections: 4n, inPackets: 5n, outPackets: 0n, inBytes: 512n, outBytes: 0n },
    { cpu: 31, connections: 6n, inPackets: 7n, outPackets: 0n, inBytes: 255n, outBytes: 1n },
  ])
})

test('any other text returns undefined', () => {
  const lines = totals.split('\n')
  expect(parseTotals('')).toBeUndefined()
  expect(parseTotals(lines.slice(1).join('\n'))).toBeUndefined()
  expect(parseTotals(totals.replace('100000000', '-1'))).toBeUndefined()
  expect(parseTotals(totals.replace('100000000', '~'))).toBeUndefined()
  expect(parseTotals(perCpu)).toBeUndefined()
  expect(parsePerCpu('')).toBeUndefined()
  expect(parsePerCpu(totals)).toBeUndefined()
  expect(parsePerCpu(perCpu.replace('200 ', '  ~ '))).toBeUndefined()
  expect(parsePerCpu(perCpu.slice(0, perCpu.indexOf('~')))).toBeUndefined()
})
