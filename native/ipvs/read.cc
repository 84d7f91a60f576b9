// Reads of single records and dumps.
#include "ipvs/session.h"

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

// IP_VS_SVC_F_HASHED: set by the kernel in every listed service, not a setting.
constexpr uint32_t hashedFlag = 0x2;

// Upper bound of a dump entry in bytes. The largest ones (a service with an engine, a destination) have 356.
constexpr size_t largestEntry = 384;

bool appendRow(const netlink::Record& record, const netlink::Message& message, Rows& rows) {
  uint8_t command = 0;
  netlink::Bytes attributes;
  if (!netlink::genericAttributes(message, command, attributes)) {
    return false;
  }
  if (record.attribute != 0) {
    netlink::AttributeReader reader(attributes);
    netlink::Attribute attribute;
    do {
      if (!reader.next(attribute)) {
        return false;
      }
    } while (attribute.type != record.attribute);
    attributes = attribute.payload;
  }
  std::byte* const row = rows.append(record.size);
  if (netlink::decode(record, attributes, row)) {
    return false;
  }
  if (&record == &serviceRecord) {
    std::byte* flags = row + offsetof(Service, flags);
    netlink::store(flags, netlink::load<uint32_t>(flags) & ~hashedFlag);
  }
  return true;
}

constexpr uint32_t presentBits(std::initializer_list<size_t> offsets) {
  uint32_t bits = 0;
  for (size_t i = 0; i < std::size(serviceFields); ++i) {
    bits |= std::ranges::count(offsets, serviceFields[i].offset) != 0 ? 1U << i : 0;
  }
  return bits;
}

// Encodes only the key of a service: rows from a listing have other fields as well.
void encodeKey(const std::byte* service, netlink::Writer& writer) {
  constexpr uint32_t identifying =
      presentBits({offsetof(Service, family), offsetof(Service, protocol), offsetof(Service, address),
                   offsetof(Service, port), offsetof(Service, fwmark)});
  auto key = netlink::load<Service>(service);
  key.present &= identifying;
  netlink::encodeNested(serviceRecord, reinterpret_cast<const std::byte*>(&key), writer);
}

} // namespace

Failure Session::read(Operation operation, const std::byte* key, bool consistent, const Control& control, Rows& rows) {
  const Command& command = commandOf(operation);
  return command.form == Form::dump ? dump(command, key, consistent, control, rows) : get(command, key, control, rows);
}

Failure Session::get(const Command& command, const std::byte* key, const Control& control, Rows& rows) {
  bool complete = false;
  rows.truncate(0);
  Failure failure = pass(channel_, command, key, control, rows, complete);
  if (failure.status.ok() && rows.size() != command.reply->size) {
    return failureOf(0, {netlink::FailureKind::malformed, 0});
  }
  return failure;
}

// Sends one request and appends the rows of the reply. `complete`: all rows came in one datagram, see
// Replies::complete().
Failure Session::pass(netlink::Channel& channel, const Command& command, const std::byte* key, const Control& control,
                      Rows& rows, bool& complete) {
  const size_t start = rows.size();
  for (bool again = false;; again = true) {
    bool changed = false;
    if (family_ == 0) {
      if (const Status lookup = refreshFamily(control, changed); !lookup.ok()) {
        return failureOf(0, lookup);
      }
    }
    rows.truncate(start);
    netlink::Batch& batch = channel.compose();
    const auto flags = static_cast<uint16_t>(command.form == Form::dump ? NLM_F_DUMP : 0);
    netlink::Writer writer = netlink::beginGeneric(batch, family_, command.command, flags);
    if (command.service) {
      encodeKey(key, writer);
    }
    batch.end();
    if (command.form == Form::get) {
      batch.acknowledge();
    }
    netlink::Replies replies;
    const Status status = channel.exchange(control, replies, [&](size_t, const netlink::Message& message) {
      return appendRow(*command.reply, message, rows);
    });
    complete = replies.complete(largestEntry);
    const netlink::Acknowledgement* refusal = replies.refusal(0);
    if (!status.ok() || refusal == nullptr) {
      return failureOf(0, status);
    }
    Failure failure = refusalOf(0, *refusal, channel.sent().message(0));
    if (refusal->error != ENOENT || again) {
      return failure;
    }
    const Status lookup = refreshFamily(control, changed); // see Session::send
    if (!lookup.ok()) {
      return failureOf(0, lookup);
    }
    if (!changed) {
      return failure;
    }
  }
}

// One pass without duplicates. The kernel continues a dump by entry count: if an entry already sent is deleted, the
// dump skips one; if one is added, the dump repeats one. So a duplicate proves that the table changed, and that entries
// may be missing.
Failure Session::dumpPass(netlink::Channel& channel, const Command& command, const std::byte* key,
                          const Control& control, Rows& rows, PassInfo& info) {
  info = {};
  const size_t start = rows.size();
  Failure failure = pass(channel, command, key, control, rows, info.complete);
  if (failure.status.ok() && rows.size() == start && command.service) {
    // The kernel returns an empty list also for a missing service.
    Rows service;
    failure = get(commandOf(Operation::getService), key, control, service);
  }
  if (failure.status.ok()) {
    info.repeated = removeRepeated(*command.reply, rows, start);
  }
  return failure;
}

Failure Session::dump(const Command& command, const std::byte* key, bool consistent, const Control& control,
                      Rows& rows) {
  std::optional<KeySum> previous;
  for (int i = 0; i < consistentPasses; ++i) {
    shiftBoundaries(i);
    PassInfo info;
    rows.truncate(0);
    Failure failure = dumpPass(channel_, command, key, control, rows, info);
    if (!failure.status.ok() || !consistent || (!info.repeated && info.complete)) {
      return failure;
    }
    const KeySum keys = sumOf(*command.reply, rows);
    if (!info.repeated && previous == keys) {
      return failure;
    }
    previous.reset();
    if (!info.repeated) {
      previous = keys;
    }
  }
  return failureOf(0, {netlink::FailureKind::conflict, 0});
}

// A change during a dump skips the first entry of a datagram. The first dump of a new socket begins with a short
// datagram: reopening shifts the boundaries in every second pass, so that two passes cannot skip the same entry.
void Session::shiftBoundaries(int pass) {
  if (pass % 2 == 1) {
    channel_.close();
  }
}

} // namespace ipvs
