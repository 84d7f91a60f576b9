// Reading records: single ones and dumps.
#include "ipvs/session.h"

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

// Set by the kernel in every listed service; it is no setting.
constexpr uint32_t hashedFlag = 0x2;

bool appendRow(const netlink::Record& record, const netlink::Message& message, Row& rows) {
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
  const size_t start = rows.size();
  rows.resize(start + record.size);
  if (netlink::decode(record, attributes, rows.data() + start)) {
    return false;
  }
  if (&record == &serviceRecord) {
    std::byte* flags = rows.data() + start + offsetof(Service, flags);
    netlink::store(flags, netlink::load<uint32_t>(flags) & ~hashedFlag);
  }
  return true;
}

} // namespace

Failure Session::read(Operation operation, const std::byte* key, bool consistent, const Control& control, Row& rows) {
  const Command& command = commandOf(operation);
  return command.form == Form::dump ? dump(command, key, consistent, control, rows) : get(command, key, control, rows);
}

Failure Session::get(const Command& command, const std::byte* key, const Control& control, Row& rows) {
  size_t datagrams = 0;
  Failure failure = pass(channel_, command, key, control, rows, datagrams);
  if (failure.status.ok() && rows.size() != command.reply->size) {
    return failureOf(0, {netlink::Cause::malformed, 0});
  }
  return failure;
}

// One request and all its rows.
Failure Session::pass(netlink::Channel& channel, const Command& command, const std::byte* key, const Control& control,
                      Row& rows, size_t& datagrams) {
  for (bool again = false;; again = true) {
    bool changed = false;
    if (family_ == 0) {
      if (const Status lookup = refreshFamily(control, changed); !lookup.ok()) {
        return failureOf(0, lookup);
      }
    }
    rows.clear();
    netlink::Batch& batch = channel.compose();
    const auto flags = static_cast<uint16_t>(command.form == Form::dump ? NLM_F_DUMP : 0);
    netlink::Writer writer = netlink::beginGeneric(batch, family_, command.command, flags);
    if (command.service) {
      netlink::encodeNested(serviceRecord, key, writer);
    }
    batch.end();
    if (command.form == Form::get) {
      batch.acknowledge();
    }
    netlink::Answers answers;
    const Status status = channel.exchange(control, answers, [&](size_t, const netlink::Message& message) {
      return appendRow(*command.reply, message, rows);
    });
    datagrams = answers.datagrams;
    const netlink::Acknowledgement* refusal = answers.refusal(0);
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

// One pass without its repetitions, and what it says about itself. The kernel continues a dump by counting: when an
// entry that was told already goes, one that was not is skipped; when one comes, another is told twice. So a repetition
// proves that the table changed, and that something may be missing as well.
Failure Session::dumpPass(netlink::Channel& channel, const Command& command, const std::byte* key,
                          const Control& control, Row& rows, Pass& about) {
  about = {};
  Failure failure = pass(channel, command, key, control, rows, about.datagrams);
  if (failure.status.ok() && rows.empty() && command.service) {
    // A dump of the destinations of a service that is not there is an empty success as well.
    Row service;
    failure = get(commandOf(Operation::getService), key, control, service);
  }
  if (failure.status.ok()) {
    about.keys = distinct(*command.reply, rows, about.repeated);
  }
  return failure;
}

Failure Session::dump(const Command& command, const std::byte* key, bool consistent, const Control& control,
                      Row& rows) {
  std::optional<Pass> previous;
  for (int i = 0; i < consistentPasses; ++i) {
    shiftBorders(i);
    Pass about;
    Failure failure = dumpPass(channel_, command, key, control, rows, about);
    if (!failure.status.ok() || !consistent) {
      return failure;
    }
    const bool agreed = previous && previous->keys == about.keys;
    if (!about.repeated && (about.datagrams <= 1 || agreed)) {
      return failure;
    }
    previous.reset();
    if (!about.repeated) {
      previous = std::move(about);
    }
  }
  return failureOf(0, {netlink::Cause::conflict, 0});
}

// What a change skips is the first entry of a datagram. The first dump of a new socket begins with a short datagram, so
// every second pass has its borders elsewhere, and two passes do not skip the same.
void Session::shiftBorders(int pass) {
  if (pass % 2 == 1) {
    channel_.close();
  }
}

} // namespace ipvs
