// Names of nf_tables attributes, nested as in messages, for annotating golden files and comparing messages.
// `list`: a list whose elements all have this type, for any attribute number.
const data = {
  1: 'NFTA_DATA_VALUE',
  2: ['NFTA_DATA_VERDICT', { 1: 'NFTA_VERDICT_CODE', 2: 'NFTA_VERDICT_CHAIN' }],
}
const element = {
  1: ['NFTA_SET_ELEM_KEY', data],
  2: ['NFTA_SET_ELEM_DATA', data],
  3: 'NFTA_SET_ELEM_FLAGS',
  6: 'NFTA_SET_ELEM_USERDATA',
  10: ['NFTA_SET_ELEM_KEY_END', data],
}
// Expressions share attribute numbers: their meaning depends on the expression's name.
const expressions = {
  meta: { 1: 'NFTA_META_DREG', 2: 'NFTA_META_KEY', 3: 'NFTA_META_SREG' },
  cmp: { 1: 'NFTA_CMP_SREG', 2: 'NFTA_CMP_OP', 3: ['NFTA_CMP_DATA', data] },
  payload: { 1: 'NFTA_PAYLOAD_DREG', 2: 'NFTA_PAYLOAD_BASE', 3: 'NFTA_PAYLOAD_OFFSET', 4: 'NFTA_PAYLOAD_LEN' },
  lookup: {
    1: 'NFTA_LOOKUP_SET',
    2: 'NFTA_LOOKUP_SREG',
    3: 'NFTA_LOOKUP_DREG',
    4: 'NFTA_LOOKUP_SET_ID',
    5: 'NFTA_LOOKUP_FLAGS',
  },
  immediate: { 1: 'NFTA_IMMEDIATE_DREG', 2: ['NFTA_IMMEDIATE_DATA', data] },
  bitwise: {
    1: 'NFTA_BITWISE_SREG',
    2: 'NFTA_BITWISE_DREG',
    3: 'NFTA_BITWISE_LEN',
    4: ['NFTA_BITWISE_MASK', data],
    5: ['NFTA_BITWISE_XOR', data],
    6: 'NFTA_BITWISE_OP',
  },
  counter: { 1: 'NFTA_COUNTER_BYTES', 2: 'NFTA_COUNTER_PACKETS' },
  masq: { 1: 'NFTA_MASQ_FLAGS' },
  redir: { 1: 'NFTA_REDIR_REG_PROTO_MIN', 2: 'NFTA_REDIR_REG_PROTO_MAX', 3: 'NFTA_REDIR_FLAGS' },
}
element[7] = ['NFTA_SET_ELEM_EXPR', { 1: 'NFTA_EXPR_NAME', 2: ['NFTA_EXPR_DATA', expressions] }]

/** Message number of nf_tables to [name, attributes]. */
export const messages = {
  0: ['NFT_MSG_NEWTABLE', { 1: 'NFTA_TABLE_NAME', 2: 'NFTA_TABLE_FLAGS', 6: 'NFTA_TABLE_USERDATA' }],
  3: [
    'NFT_MSG_NEWCHAIN',
    {
      1: 'NFTA_CHAIN_TABLE',
      3: 'NFTA_CHAIN_NAME',
      4: ['NFTA_CHAIN_HOOK', { 1: 'NFTA_HOOK_HOOKNUM', 2: 'NFTA_HOOK_PRIORITY' }],
      5: 'NFTA_CHAIN_POLICY',
      7: 'NFTA_CHAIN_TYPE',
      10: 'NFTA_CHAIN_FLAGS',
    },
  ],
  6: [
    'NFT_MSG_NEWRULE',
    {
      1: 'NFTA_RULE_TABLE',
      2: 'NFTA_RULE_CHAIN',
      3: 'NFTA_RULE_HANDLE',
      4: [
        'NFTA_RULE_EXPRESSIONS',
        { list: ['NFTA_LIST_ELEM', { 1: 'NFTA_EXPR_NAME', 2: ['NFTA_EXPR_DATA', expressions] }] },
      ],
      7: 'NFTA_RULE_USERDATA',
    },
  ],
  9: [
    'NFT_MSG_NEWSET',
    {
      1: 'NFTA_SET_TABLE',
      2: 'NFTA_SET_NAME',
      3: 'NFTA_SET_FLAGS',
      4: 'NFTA_SET_KEY_TYPE',
      5: 'NFTA_SET_KEY_LEN',
      6: 'NFTA_SET_DATA_TYPE',
      7: 'NFTA_SET_DATA_LEN',
      9: [
        'NFTA_SET_DESC',
        {
          1: 'NFTA_SET_DESC_SIZE',
          2: ['NFTA_SET_DESC_CONCAT', { list: ['NFTA_LIST_ELEM', { 1: 'NFTA_SET_FIELD_LEN' }] }],
        },
      ],
      10: 'NFTA_SET_ID',
      13: 'NFTA_SET_USERDATA',
    },
  ],
  12: [
    'NFT_MSG_NEWSETELEM',
    {
      1: 'NFTA_SET_ELEM_LIST_TABLE',
      2: 'NFTA_SET_ELEM_LIST_SET',
      3: ['NFTA_SET_ELEM_LIST_ELEMENTS', { list: ['NFTA_LIST_ELEM', element] }],
      4: 'NFTA_SET_ELEM_LIST_SET_ID',
    },
  ],
}

/**
 * The attributes in `bytes` (a Buffer) as a tree of { name, header, payload?, children? }.
 * @param {Buffer} bytes
 * @param {Record<string, unknown>} names
 */
export function attributesOf(bytes, names) {
  const found = []
  let expression
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at)
    const type = bytes.readUInt16LE(at + 2) & 0x3fff
    const [name, inner] = [names.list ?? names[type] ?? `attribute ${type}`].flat()
    const payload = bytes.subarray(at + 4, at + length)
    const node = {
      name,
      header: bytes.subarray(at, at + 4),
      payload: bytes.subarray(at + 4, (at + length + 3) & ~3),
      length: length - 4,
    }
    if (name === 'NFTA_EXPR_NAME') expression = payload.subarray(0, -1).toString()
    const within = name === 'NFTA_EXPR_DATA' ? (inner[expression] ?? {}) : inner
    found.push(within === undefined ? node : { ...node, children: attributesOf(payload, within) })
    at += (length + 3) & ~3
  }
  return found
}
