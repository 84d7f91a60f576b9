#include "ipvs/keys.h"

#include "ipvs/listing.h"

#include <algorithm>
#include <bit>
#include <random>

namespace ipvs {
namespace {

// Folds the 128-bit product: every input bit affects every output bit.
uint64_t mixed(uint64_t left, uint64_t right) {
  const auto product = static_cast<unsigned __int128>(left) * right;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A set of row numbers, by key. Compares all keys of a few rows, else uses a hash table of 6 to 12 bytes per row:
// small, as it exists beside the largest listings.
class RowSet {
public:
  RowSet(const netlink::Record& record, const std::byte* rows, size_t count) : record_(record), rows_(rows) {
    if (count > few) {
      slots_.resize(std::bit_ceil(count + count / 2));
    }
  }

  // Inserts `row` as kept row `next`. Returns false if its key is already present.
  bool insert(const std::byte* row, size_t next) {
    const Key key = keyOf(record_, row);
    if (slots_.empty()) {
      for (size_t i = 0; i < next; ++i) {
        if (keyOf(record_, rows_ + i * record_.size) == key) {
          return false;
        }
      }
      return true;
    }
    for (size_t slot = hashOf(key, 0);; ++slot) {
      uint32_t& number = slots_[slot & (slots_.size() - 1)];
      if (number == 0) {
        number = static_cast<uint32_t>(next + 1);
        return true;
      }
      if (keyOf(record_, rows_ + size_t{number - 1} * record_.size) == key) {
        return false;
      }
    }
  }

private:
  static constexpr size_t few = 8;

  const netlink::Record& record_;
  const std::byte* rows_;
  std::vector<uint32_t> slots_; // 1 + the number of the row; 0: none
};

} // namespace

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

uint64_t hashOf(const Key& key, uint64_t seed) {
  static const auto secret = [] {
    std::random_device random;
    return uint64_t{random()} << 32 | random() | 1;
  }();
  uint64_t hash = secret ^ seed;
  for (size_t at = 0; at < key.size(); at += sizeof(uint64_t)) {
    hash = mixed(hash ^ netlink::load<uint64_t>(key.data() + at), secret);
  }
  return mixed(hash, hash | 1);
}

bool removeRepeated(const netlink::Record& record, Rows& rows, size_t from) {
  std::byte* const first = rows.data() + from;
  const size_t count = (rows.size() - from) / record.size;
  RowSet kept(record, first, count);
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    const std::byte* const row = first + i * record.size;
    if (!kept.insert(row, next)) {
      continue;
    }
    if (next != i) {
      std::memmove(first + next * record.size, row, record.size);
    }
    ++next;
  }
  rows.truncate(from + next * record.size);
  return next != count;
}

uint64_t KeySum::add(const Key& key, uint64_t owner) {
  const uint64_t low = hashOf(key, owner);
  low_ += low;
  high_ += hashOf(key, ~owner);
  return low;
}

KeySum sumOf(const netlink::Record& record, const Rows& rows) {
  KeySum sum;
  for (size_t at = 0; at < rows.size(); at += record.size) {
    sum.add(keyOf(record, rows.data() + at));
  }
  return sum;
}

Listing::Listing(const std::byte* service, Rows rows)
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
