// Rows of a dump, and their keys.
#pragma once

#include "ipvs/schema.h"
#include "netlink/buffer.h"

#include <array>
#include <vector>

namespace ipvs {

using Row = std::vector<std::byte>;

// Rows of equal size, one after the other.
using Rows = netlink::Buffer;

// Identifies a row within its dump.
using Key = std::array<std::byte, 32>;

[[nodiscard]] Key keyOf(const netlink::Record& record, const std::byte* row);

// Hash of a key with a secret of the process, so that an attacker cannot choose colliding keys.
[[nodiscard]] uint64_t hashOf(const Key& key, uint64_t seed);

// Removes duplicates among the rows behind the first `from` bytes. True: at least one was removed.
[[nodiscard]] bool removeRepeated(const netlink::Record& record, Rows& rows, size_t from);

// An order-independent checksum of keys, to compare two passes without keeping their keys. Passes with different keys
// have the same sum with a probability below 2^-64.
class KeySum {
public:
  // Returns the hash of the key. `owner`: the hash of the service that the key belongs to.
  uint64_t add(const Key& key, uint64_t owner = 0);

  bool operator==(const KeySum&) const = default;

private:
  uint64_t low_ = 0;
  uint64_t high_ = 0;
};

[[nodiscard]] KeySum sumOf(const netlink::Record& record, const Rows& rows);

} // namespace ipvs
