// The steps of "How to add an attribute" in CONTRIBUTING.md for IPVS_DEST_ATTR_EXAMPLE, a u32 of destinations in no kernel, and a
// test of the result. scripts/try-attribute.mjs applies them.

const SCHEMA = 'native/ipvs/schema.h'
const TYPES = 'lib/services/destination-types.ts'
const DESTINATION = 'lib/services/destination.ts'
const OPTIONS = 'cli/verbs/change.ts'
const PACKED = 'native/packing/item_reader.h'
const PACKER = 'native/packing/packer.cc'
const after = (line, ...more) => [line, [line, ...more].join('\n')]

export const steps = [
  {
    what: 'the member',
    file: SCHEMA,
    changes: [
      ['struct Destination {', 'inline constexpr uint16_t IPVS_DEST_ATTR_EXAMPLE = 40;\n\nstruct Destination {'],
      after('  uint32_t persistentConnections;', '  uint32_t example;'),
      ['  uint8_t tunnelType;\n  uint8_t reserved[7];', '  uint8_t tunnelType;\n  uint8_t reserved[3];'],
    ],
  },
  {
    what: 'its attribute',
    file: SCHEMA,
    changes: [
      after(
        '    NETLINK_FIELD(Destination, lowerThreshold, u32, IPVS_DEST_ATTR_L_THRESH, "End of overload; 0: 3/4 of upper."),',
        '    NETLINK_FIELD(Destination, example, u32, IPVS_DEST_ATTR_EXAMPLE, "Made up."),',
      ),
    ],
  },
  {
    what: 'the field of the row',
    file: 'lib/binding/record-types.ts',
    changes: [after('  readonly lowerThreshold?: number | undefined', '  readonly example?: number | undefined')],
  },
  {
    what: 'its line',
    file: 'lib/binding/fast-row-writers.ts',
    changes: [
      after(
        '      lowerThreshold: (present |= putU32(views, row, at.lowerThreshold, value.lowerThreshold)),',
        '      example: (present |= putU32(views, row, at.example, value.example)),',
      ),
    ],
  },
  {
    what: 'the setting',
    file: TYPES,
    changes: [after('  readonly lowerThreshold?: number | undefined', '  readonly example?: number | undefined')],
  },
  {
    what: 'the property of patches',
    file: TYPES,
    changes: [
      [
        "extends Pick<DestinationSettings, 'forwarding' | 'weight'>",
        "extends Pick<DestinationSettings, 'forwarding' | 'weight' | 'example'>",
      ],
    ],
  },
  {
    what: 'the property of listings',
    file: TYPES,
    changes: [after('  readonly lowerThreshold: number', '  readonly example: number')],
  },
  { what: 'its name', file: DESTINATION, changes: [after('  lowerThreshold: true,', '  example: true,')] },
  {
    what: 'reading the property',
    file: DESTINATION,
    changes: [
      after(
        '  lowerThreshold: present & bit.lowerThreshold ? given.lowerThreshold : undefined,',
        '  example: present & bit.example ? given.example : undefined,',
      ),
    ],
  },
  {
    what: 'checking the value',
    file: DESTINATION,
    changes: [
      [
        "Pick<SentDestinationRow, 'weight' | 'upperThreshold' | 'lowerThreshold'>",
        "Pick<SentDestinationRow, 'weight' | 'upperThreshold' | 'lowerThreshold' | 'example'>",
      ],
      after(
        "    lowerThreshold: number('lowerThreshold', MOST_CONNECTIONS),",
        "    example: number('example', 0xffffffff),",
      ),
    ],
  },
  {
    what: 'the row that is sent',
    file: DESTINATION,
    changes: [
      [
        '  { weight, upperThreshold, lowerThreshold }: DestinationNumbers,',
        '  { weight, upperThreshold, lowerThreshold, example }: DestinationNumbers,',
      ],
      after('    upperThreshold,\n    lowerThreshold,', '    example,'),
    ],
  },
  {
    what: 'the default of a new destination',
    file: DESTINATION,
    changes: [
      [
        '  const { weight = defaultWeight, upperThreshold = 0, lowerThreshold = 0 } = checkNumbers(',
        '  const { weight = defaultWeight, upperThreshold = 0, lowerThreshold = 0, example = 0 } = checkNumbers(',
      ],
      [
        '  const numbers = { weight, upperThreshold, lowerThreshold }',
        '  const numbers = { weight, upperThreshold, lowerThreshold, example }',
      ],
    ],
  },
  {
    what: 'the listing',
    file: DESTINATION,
    changes: [after('    lowerThreshold: row.lowerThreshold ?? 0,', '    example: row.example ?? 0,')],
  },
  {
    what: 'the property of items in batches',
    file: PACKED,
    changes: [
      ['  lowerThreshold,\n  tunnel,', '  lowerThreshold,\n  example,\n  tunnel,'],
      ['std::array<std::string_view, 11>', 'std::array<std::string_view, 12>'],
      ['"lowerThreshold",', '"lowerThreshold", "example",'],
    ],
  },
  {
    what: 'its check and its default there',
    file: PACKER,
    changes: [
      after(
        'constexpr uint32_t lowerBit = destinationBit("lowerThreshold");',
        'constexpr uint32_t exampleBit = destinationBit("example");',
      ),
      after(
        '         readNumber<lowerBit>(fields[destination::lowerThreshold], row.lowerThreshold, row) &&',
        '         readNumber<exampleBit>(fields[destination::example], row.example, row) &&',
      ),
      ['weightBit | upperBit | lowerBit;', 'weightBit | upperBit | lowerBit | exampleBit;'],
    ],
  },
  {
    what: 'the option of the command line',
    file: OPTIONS,
    changes: [
      after('  readonly lower?: number', '  readonly example?: number'),
      ['lower: lowerThreshold, tunnel: type } = options', 'lower: lowerThreshold, tunnel: type, example } = options'],
      ['weight, upperThreshold, lowerThreshold, tunnel }', 'weight, upperThreshold, lowerThreshold, tunnel, example }'],
      after(
        "    .option('--lower <connections>', 'resume below this number', whole)",
        "    .option('--example <number>', 'made up', whole)",
      ),
    ],
  },
  {
    what: 'the schema of the unit tests',
    file: 'test/unit/support/schema.ts',
    changes: [after("  lowerThreshold: 'u32',", "  example: 'u32',")],
  },
  {
    what: 'expected rows and listings',
    file: 'test/unit/services/destination.test.ts',
    changes: [
      [
        '    const defaults = { weight: 1, upperThreshold: 0, lowerThreshold: 0 }',
        '    const defaults = { weight: 1, upperThreshold: 0, lowerThreshold: 0, example: 0 }',
      ],
      after('      lowerThreshold: 4,\n      ...counts,', '      example: 0,'),
    ],
  },
  {
    what: 'values for the test of the writers',
    file: 'test/unit/binding/fast-row-writers.test.ts',
    changes: [after('  lowerThreshold: () => random(2 ** 32),', '  example: () => random(2 ** 32),')],
  },
]

/** A test with a scripted kernel that stores the attributes of one destination. */
export const probe = `import { expect, test } from 'vitest'

import { Ipvs } from '../../lib/index.ts'
import { binding } from '../../lib/binding/addon.ts'
import { answer, attribute, doneDump, markService, message, playKernel } from '../kernel/fake-kernel.ts'

const [NEW_DEST, SET_DEST, GET_SERVICE, GET_DEST, DEST] = [5, 6, 4, 8, 2]
const EXAMPLE = 40

// The attributes in a nested one.
function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
  return found
}

test('the made-up attribute is sent and read back, by itself and in a batch', async () => {
  let kept: Buffer | undefined
  const kernel = playKernel(
    (requests) =>
      requests.flatMap((request) => {
        const sent = attributesOf(request.body.subarray(4)).get(DEST)
        if (request.command === NEW_DEST || request.command === SET_DEST) kept = Buffer.from(sent as Buffer)
        if (request.command === GET_SERVICE) return [markService(request, 'rr'), answer(request)]
        if (request.command !== GET_DEST) return [answer(request)]
        const entry = message(request.type, 2, request.sequence, Buffer.from([1, 1, 0, 0]), attribute(DEST, kept as Buffer))
        return [entry, doneDump(request)]
      }),
    4,
  )
  const Session = binding.IpvsSession
  Object.defineProperty(binding, 'IpvsSession', {
    configurable: true,
    value: function () {
      return new Session({ sockets: kernel.sockets })
    },
  })
  const ipvs = await Ipvs.open()
  try {
    const service = { fwmark: 7 }
    await ipvs.addDestination(service, { address: '10.0.0.7', example: 7 })
    expect(attributesOf(kept as Buffer).get(EXAMPLE)?.readUInt32LE(0)).toBe(7)
    expect((await ipvs.listDestinations(service))[0]?.example).toBe(7)
    const items = [{ operation: 'addDestination', service, destination: { address: '10.0.0.7', example: 8 } }] as const
    expect(await ipvs.batch(items)).toMatchObject({ applied: 1, failures: [] })
    expect(attributesOf(kept as Buffer).get(EXAMPLE)?.readUInt32LE(0)).toBe(8)
    await ipvs.updateDestination(service, { address: '10.0.0.7' }, { weight: 5 })
    expect(await ipvs.listDestinations(service)).toMatchObject([{ weight: 5, example: 8 }])
    await ipvs.updateDestination(service, { address: '10.0.0.7' }, { example: 9 })
    expect(await ipvs.listDestinations(service)).toMatchObject([{ weight: 5, example: 9 }])
    await ipvs.addDestination(service, { address: '10.0.0.7' })
    expect(attributesOf(kept as Buffer).get(EXAMPLE)?.readUInt32LE(0)).toBe(0)
    await expect(ipvs.addDestination(service, { address: '10.0.0.7', example: -1 })).rejects.toMatchObject({
      code: 'ERR_IPVS_INVALID_ARGUMENT',
      attribute: 'destination.example',
    })
  } finally {
    await ipvs.close()
    kernel.stop()
  }
})
`
