// Mutants of native/: a text that occurs once in its file, its replacement, and the doctest cases that have to fail. Changes of
// headers come last: they rebuild everything.
export const nativeMutants = [
  {
    what: 'decode a port in host order',
    file: 'native/netlink/record.cc',
    change: ['store(to, networkOrder(load<uint16_t>(payload.data())));', 'store(to, load<uint16_t>(payload.data()));'],
    killers: ['the order of the attributes makes no difference'],
  },
  {
    what: 'accept a number of the wrong length',
    file: 'native/netlink/record.cc',
    change: ['    if (payload.size() != field.size) {\n      return false;\n    }\n    copyNumber', '    copyNumber'],
    killers: ['unknown attributes are skipped; the error of a wrong length names the attribute'],
  },
  {
    what: 'a patch takes reply-only fields from its base',
    file: 'native/netlink/record.cc',
    change: ['!field.replyOnly && !has(record, row, field) && has(', '!has(record, row, field) && has('],
    killers: ['reply-only fields are neither sent nor merged'],
  },
  {
    what: 'a patch loses its own fields',
    file: 'native/netlink/record.cc',
    change: ['!field.replyOnly && !has(record, row, field) && has(', '!field.replyOnly && has('],
    killers: ['merge keeps the fields of the patch'],
  },
  {
    what: 'a reply-only field counts as missing',
    file: 'native/netlink/record.cc',
    change: ['{ return field.replyOnly || has(record, row, field); }', '{ return has(record, row, field); }'],
    killers: ['a patch with all fields is written without a read'],
  },
  {
    what: 'a reply to another port is taken',
    file: 'native/netlink/channel.cc',
    change: ['header.nlmsg_pid != socket_.portId() || ', ''],
    killers: ['replies with a wrong sequence number or port are dropped'],
  },
  {
    what: 'NLMSG_OVERRUN is ignored',
    file: 'native/netlink/channel.cc',
    change: [
      '    return Progress::overrun;\n  }\n  const uint32_t index',
      '    return Progress::more;\n  }\n  const uint32_t index',
    ],
    killers: ['NLMSG_OVERRUN is an unknown outcome'],
  },
  {
    what: 'an endless dump is not ended',
    file: 'native/netlink/channel.cc',
    change: ['if (received > batch_.count()) {', 'if (received > batch_.count() + 100000000) {'],
    killers: ['an endless dump ends at the deadline or by an abort'],
  },
  {
    what: 'ENOENT is not looked into',
    file: 'native/ipvs/session.cc',
    change: ['if (std::ranges::any_of(failed, isNoEntry)) {', 'if (failed.size() > 1000) {'],
    killers: ['a stale family number is looked up again, and only refused items are repeated'],
  },
  {
    what: 'a hidden outcome is settled by reading back',
    file: 'native/ipvs/session.cc',
    change: [
      'if (failure.unknown && std::none_of(self + 1, entries.end(), hides)) {',
      'if (failure.unknown && (std::none_of(self + 1, entries.end(), hides) || true)) {',
    ],
    killers: ['an outcome hidden by a later write of the same chunk stays unknown'],
  },
  {
    what: 'nothing ends a batch',
    file: 'native/ipvs/session.cc',
    change: ['    if (ended()) {\n      appendRest(failures, index + 1);\n      return failures;\n    }', ''],
    killers: [
      'OnFailure::stop: nothing is sent after the first failure',
      'OnFailure::end: a batch ends with the chunk of the first general failure',
    ],
  },
  {
    what: 'a lost ACK of a removal counts as done while the object is there',
    file: 'native/ipvs/patch.cc',
    change: [
      '    failure.status = missing ? netlink::done() : failure.status;\n    return;\n  }\n  const netlink::Record',
      '    failure.status = netlink::done();\n    return;\n  }\n  const netlink::Record',
    ],
    killers: ['a lost ACK is settled by reading back'],
  },
  {
    what: 'a lost ACK counts as done without a comparison',
    file: 'native/ipvs/patch.cc',
    change: ['if (!missing && netlink::matches(record, wanted, row.data())) {', 'if (!missing) {'],
    killers: ['a lost ACK is settled by reading back'],
  },
  {
    what: 'a failed read-back counts as a missing object',
    file: 'native/ipvs/patch.cc',
    change: ['  if (!readBack.status.ok() && !missing) {\n    return; // still unknown\n  }\n', ''],
    killers: ['a lost ACK and a read-back without a reply: unknown'],
  },
  {
    what: 'the 9th key is not compared',
    file: 'native/ipvs/keys.cc',
    change: [
      '      if (keyOf(record_, rows_ + size_t{number - 1} * record_.size) == key) {\n        return false;\n      }\n',
      '',
    ],
    killers: ['duplicates are removed; the first row of each key and the order stay'],
  },
  {
    what: 'an applied transaction is not confirmed by the generation',
    file: 'native/nftables/outcomes.cc',
    change: ['  if (after == base) {\n    return failureOf(0, {netlink::FailureKind::malformed, 0});\n  }\n', ''],
    killers: ['an acknowledgement without a new generation is a failure'],
  },
  {
    what: 'a lost reply with the old generation stays unknown',
    file: 'native/nftables/outcomes.cc',
    change: ['    failure.unknown = false; // not applied\n    return failure;', '    return failure;'],
    killers: ['a lost reply is resolved by reading back'],
  },
  {
    what: 'a listed mark is not compared',
    file: 'native/nftables/outcomes.cc',
    change: ['found->mark != element.mark || ', ''],
    killers: ['a lost reply is resolved by reading back', 'the outcome depends on the reply and the reads after it'],
  },
  {
    what: 'a removed row may still be there',
    file: 'native/nftables/outcomes.cc',
    change: ['if (find(wanted, element) == nullptr && find(present, element) != nullptr) {', 'if (false) {'],
    killers: ['a lost reply is resolved by reading back', 'the outcome depends on the reply and the reads after it'],
  },
  {
    what: 'a concurrent change of the ruleset is overwritten',
    file: 'native/nftables/apply.cc',
    change: ['if (existing.generation != before) {', 'if (false) {'],
    killers: ['a concurrent change of the ruleset'],
  },
  {
    what: 'all refusals are reported for a refused map',
    file: 'native/nftables/apply.cc',
    change: ['if (ofObject != replies.refusals.end()) {', 'if (false) {'],
    killers: ['only the refusal of an object is reported, not the refusals that follow from it'],
  },
  {
    what: 'an interval is replaced without temporary rules',
    file: 'native/nftables/apply.cc',
    change: ['bridging_ ? bridgedRows(rows, removed) : BridgedRows{}', 'BridgedRows{}'],
    killers: ['*bridges*'],
  },
  {
    what: 'generated code decodes ports in host order',
    file: 'native/netlink/field_codec.h',
    change: [
      'store(decoder.row + field.offset, networkOrder(load<uint16_t>(payload)));',
      'store(decoder.row + field.offset, load<uint16_t>(payload));',
    ],
    killers: ['ports travel in network order, marks in host order'],
  },
  {
    what: 'an attribute may be longer than the rest of the datagram',
    file: 'native/netlink/field_codec.h',
    change: [
      'return found && header.nla_len >= sizeof(nlattr) && header.nla_len <= decoder.left() ?',
      'return found && header.nla_len >= sizeof(nlattr) ?',
    ],
    killers: ['both decoders agree on damaged attributes'],
  },
]
