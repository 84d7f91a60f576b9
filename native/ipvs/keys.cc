#include "ipvs/keys.h"

#include "ipvs/listing.h"

#include <algorithm>

namespace ipvs {

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

Listing::Listing(const std::byte* service, Row rows)
    : service_(service, service + sizeof(Service)), rows_(std::move(rows)) {
  const size_t count = rows_.size() / sizeof(Destination);
  order_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    order_.emplace_back(keyOf(destinationRecord, rows_.data() + i * sizeof(Destination)), i);
  }
  std::ranges::sort(order_);
}

std::optional<size_t> Listing::positionOf(const std::byte* destination) const {
  const Key key = keyOf(destinationRecord, destination);
  const auto found = std::ranges::lower_bound(order_, key, {}, &std::pair<Key, size_t>::first);
  return found != order_.end() && found->first == key ? std::optional(found->second * sizeof(Destination))
                                                      : std::nullopt;
}

const std::byte* Listing::find(const std::byte* destination) const {
  const auto position = positionOf(destination);
  return position ? rows_.data() + *position : nullptr;
}

void Listing::put(const std::byte* destination) {
  if (const auto position = positionOf(destination)) {
    std::memcpy(rows_.data() + *position, destination, sizeof(Destination));
  }
}

} // namespace ipvs
