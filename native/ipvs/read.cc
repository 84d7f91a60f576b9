// Reading records: single ones and dumps.
#include "ipvs/session.h"

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

constexpr int consistentPasses = 8;

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

Key keyOf(const netlink::Record& record, const std::byte* row) {
  Key key{};
  size_t end = 0;
  const auto add = [&](const std::byte* from, size_t size) {
    std::memcpy(key.data() + end, from, size);
    end += size;
  };
  if (&record == &serviceRecord) {
    add(row + offsetof(Service, fwmark), sizeof(Service::fwmark));
    add(row + offsetof(Service, address), sizeof(Service::address));
    add(row + offsetof(Service, family), sizeof(Service::family));
    add(row + offsetof(Service, protocol), sizeof(Service::protocol));
    add(row + offsetof(Service, port), sizeof(Service::port));
  } else if (&record == &daemonRecord) {
    add(row + offsetof(Daemon, state), sizeof(Daemon::state));
  } else {
    add(row + offsetof(Destination, address), sizeof(Destination::address));
    add(row + offsetof(Destination, family), sizeof(Destination::family));
    add(row + offsetof(Destination, port), sizeof(Destination::port));
  }
  return key;
}

// Removes rows that repeat an earlier one, and gives the keys of all, sorted.
std::vector<Key> distinct(const netlink::Record& record, Row& rows, bool& repeated) {
  const size_t count = rows.size() / record.size;
  std::vector<std::pair<Key, size_t>> order;
  order.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    order.emplace_back(keyOf(record, rows.data() + i * record.size), i);
  }
  std::ranges::sort(order);
  std::vector<bool> drop(count);
  std::vector<Key> keys;
  keys.reserve(count);
  for (const auto& [key, index] : order) {
    if (!keys.empty() && keys.back() == key) {
      drop[index] = true;
    } else {
      keys.push_back(key);
    }
  }
  repeated = keys.size() != count;
  if (repeated) {
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!drop[i]) {
        std::memmove(rows.data() + kept++ * record.size, rows.data() + i * record.size, record.size);
      }
    }
    rows.resize(kept * record.size);
  }
  return keys;
}

} // namespace

Failure Session::read(Operation operation, const std::byte* key, bool consistent, const Control& control, Row& rows) {
  const Command& command = commandOf(operation);
  return command.form == Form::dump ? dump(command, key, consistent, control, rows) : get(command, key, control, rows);
}

Failure Session::get(const Command& command, const std::byte* key, const Control& control, Row& rows) {
  size_t datagrams = 0;
  Failure failure = pass(command, key, control, rows, datagrams);
  if (failure.status.ok() && rows.size() != command.reply->size) {
    return failureOf(0, {netlink::Cause::malformed, 0});
  }
  return failure;
}

// One request and all its rows.
Failure Session::pass(const Command& command, const std::byte* key, const Control& control, Row& rows,
                      size_t& datagrams) {
  for (bool again = false;; again = true) {
    bool changed = false;
    if (family_ == 0) {
      if (const Status lookup = refreshFamily(control, changed); !lookup.ok()) {
        return failureOf(0, lookup);
      }
    }
    rows.clear();
    netlink::Batch& batch = channel_.compose();
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
    const Status status = channel_.exchange(control, answers, [&](size_t, const netlink::Message& message) {
      return appendRow(*command.reply, message, rows);
    });
    datagrams = answers.datagrams;
    const netlink::Acknowledgement* refusal = answers.refusal(0);
    if (!status.ok() || refusal == nullptr) {
      return failureOf(0, status);
    }
    Failure failure = refusalOf(0, *refusal, channel_.sent().message(0));
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
Failure Session::dumpPass(const Command& command, const std::byte* key, const Control& control, Row& rows,
                          Pass& about) {
  about = {};
  Failure failure = pass(command, key, control, rows, about.datagrams);
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
    Failure failure = dumpPass(command, key, control, rows, about);
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

Failure Session::snapshotPass(const Control& control, Snapshot& found, bool& repeated) {
  Row services;
  Pass about;
  Failure failure = dumpPass(commandOf(Operation::listServices), nullptr, control, services, about);
  found = {};
  repeated = about.repeated;
  for (size_t at = 0; failure.status.ok() && at < services.size(); at += sizeof(Service)) {
    const std::byte* service = services.data() + at;
    Row destinations;
    failure = dumpPass(commandOf(Operation::listDestinations), service, control, destinations, about);
    repeated = repeated || about.repeated;
    if (failure.status.cause == netlink::Cause::rejected && failure.status.error == ESRCH) {
      failure = {};    // gone since the first line of this function
      repeated = true; // the table changed, like an entry that came twice
      continue;
    }
    found.services.insert(found.services.end(), service, service + sizeof(Service));
    found.destinations.insert(found.destinations.end(), destinations.begin(), destinations.end());
    found.counts.push_back(static_cast<uint32_t>(destinations.size() / sizeof(Destination)));
  }
  return failure;
}

Failure Session::snapshot(bool consistent, const Control& control, Snapshot& found) {
  // The keys of all services and, behind each, those of its destinations: all sorted, as the order may differ.
  const auto keysOf = [](const Snapshot& snapshot) {
    std::vector<std::vector<Key>> groups;
    const std::byte* destination = snapshot.destinations.data();
    for (size_t i = 0; i < snapshot.counts.size(); ++i) {
      std::vector<Key> group;
      for (uint32_t left = snapshot.counts[i]; left > 0; --left, destination += sizeof(Destination)) {
        group.push_back(keyOf(destinationRecord, destination));
      }
      std::ranges::sort(group);
      group.insert(group.begin(), keyOf(serviceRecord, snapshot.services.data() + i * sizeof(Service)));
      groups.push_back(std::move(group));
    }
    std::ranges::sort(groups);
    return groups;
  };
  std::optional<std::vector<std::vector<Key>>> previous;
  for (int i = 0; i < consistentPasses; ++i) {
    shiftBorders(i);
    bool repeated = false;
    Failure failure = snapshotPass(control, found, repeated);
    if (!failure.status.ok() || !consistent) {
      return failure;
    }
    std::vector<std::vector<Key>> keys = keysOf(found);
    if (!repeated && previous && *previous == keys) {
      return failure;
    }
    previous.reset();
    if (!repeated) {
      previous = std::move(keys);
    }
  }
  return failureOf(0, {netlink::Cause::conflict, 0});
}

} // namespace ipvs
