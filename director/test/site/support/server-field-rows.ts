// Fields of servers.
import type { Row } from './field-rows.ts'

const s = 'services.s'
const m = 'services[0]'

export const serverRows: readonly Row[] = [
  [
    `${s}.servers[0].name`,
    'web-1.example_2',
    `${m}.servers[0].name`,
    'web-1.example_2',
    'a/b',
    `${s}.servers[0].name: "a/b" is not a name; use 1 to 63 letters, digits, ".", "_" or "-", a letter or digit first`,
  ],
  [
    `${s}.servers[0].address`,
    '10.0.0.200',
    `${m}.servers[0].address`,
    '10.0.0.200',
    '10.0.0.0/24',
    `${s}.servers[0].address: "10.0.0.0/24" is not an IPv4 or IPv6 address; give a single address, not a block`,
  ],
  [
    `${s}.servers[0].port`,
    80,
    `${m}.servers[0].port`,
    80,
    '80',
    `${s}.servers[0].port: "80" is not a number; write it without quotes`,
  ],
  [
    `${s}.servers[0].weight`,
    0,
    `${m}.servers[0].weight`,
    0,
    65_536,
    `${s}.servers[0].weight: 65536 is too large; write 65535 or less`,
  ],
  [
    `${s}.servers[0].priority`,
    2,
    `${m}.servers[0].priority`,
    2,
    -1,
    `${s}.servers[0].priority: -1 is too small; write 0 or more`,
  ],
  [
    `${s}.servers[0].labels`,
    { version: 'green' },
    `${m}.servers[0].labels`,
    { version: 'green' },
    ['green'],
    `${s}.servers[0].labels: a list is not a map`,
  ],
  [
    `${s}.servers[0].thresholds`,
    { upper: 9, lower: 3 },
    `${m}.servers[0].lowerThreshold`,
    3,
    { upper: 3, lower: 9 },
    `${s}.servers[0].thresholds.lower: 9 is above upperThreshold, 3`,
  ],
  [
    `${s}.servers[0].tunnel`,
    undefined,
    `${m}.servers[0].tunnel`,
    undefined,
    { type: 'gue' },
    `${s}.servers[0].tunnel: tunnel options need forwarding "tunnel" named with them`,
  ],
  [
    `${s}.servers[0].checks`,
    [],
    `${m}.servers[0].checks`,
    { atLeast: 0, checks: [] },
    { require: 'all' },
    `${s}.servers[0].checks.of: is missing; add it`,
  ],
]
