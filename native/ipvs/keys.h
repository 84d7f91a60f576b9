// Rows of a dump, and what identifies each.
#pragma once

#include "ipvs/schema.h"
#include "netlink/buffer.h"

#include <array>
#include <vector>

namespace ipvs {

using Row = std::vector<std::byte>;

// What a read found, one row after the other.
using Rows = netlink::Buffer;

// What identifies a row among those of its dump.
using Key = std::array<std::byte, 32>;

[[nodiscard]] Key keyOf(const netlink::Record& record, const std::byte* row);

// A number made from a key, another one in each process: nobody can choose keys that collide.
[[nodiscard]] uint64_t hashOf(const Key& key, uint64_t seed);

// Removes rows behind the first `from` bytes that repeat an earlier one of these. True: there was one.
[[nodiscard]] bool removeRepeated(const netlink::Record& record, Rows& rows, size_t from);

// What the keys of a pass add up to, in any order. Passes with other keys differ, but for less than one case in 2^64:
// so none has to keep its keys until the next is done.
class KeySum {
public:
  // `owner`: what this answered for the service that the key belongs to.
  uint64_t add(const Key& key, uint64_t owner = 0);

  bool operator==(const KeySum&) const = default;

private:
  uint64_t low_ = 0;
  uint64_t high_ = 0;
};

[[nodiscard]] KeySum sumOf(const netlink::Record& record, const Rows& rows);

} // namespace ipvs
