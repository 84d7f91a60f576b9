#include "connections/groups.h"
#include "connections/identity.h"

#include <algorithm>
#include <numeric>

namespace ipvs {
namespace {

constexpr bool has(uint8_t fields, GroupField field) { return (fields & static_cast<uint8_t>(field)) != 0; }

// Zeroes the columns that are not grouped by, with one mask per family and kind.
class Projection {
public:
  explicit Projection(uint8_t fields) : fields_(fields) {
    for (const int family : {AF_INET, AF_INET6}) {
      for (const ConnectionKind kind : {ConnectionKind::connection, ConnectionKind::markPersistence}) {
        makeMask(family, kind);
      }
    }
  }

  [[nodiscard]] Connection operator()(const Connection& row) const {
    const uint64_t(&mask)[8] = maskOf(row.family, static_cast<ConnectionKind>(row.kind));
    uint64_t words[8];
    std::memcpy(words, &row, sizeof words);
    for (int i = 0; i < 8; ++i) {
      words[i] &= mask[i];
    }
    Connection projected;
    std::memcpy(&projected, words, sizeof projected);
    const bool matters = has(fields_, GroupField::fwmark) || has(fields_, GroupField::virtualEnd);
    if (!matters || projected.kind != static_cast<uint8_t>(ConnectionKind::markPersistence)) {
      projected.kind = 0;
    }
    return projected;
  }

private:
  [[nodiscard]] const uint64_t (&maskOf(uint8_t family, ConnectionKind kind) const)[8] {
    return masks_[family == AF_INET6 ? 1 : 0][kind == ConnectionKind::markPersistence ? 1 : 0];
  }

  void makeMask(int family, ConnectionKind kind) {
    Connection mask{};
    const bool isMark = kind == ConnectionKind::markPersistence;
    const auto keep = [](auto& member, size_t size) { std::memset(&member, 0xff, size); };
    const bool virtualEnd = has(fields_, GroupField::virtualEnd) && !isMark;
    const bool fwmark = has(fields_, GroupField::fwmark) && isMark;
    if (has(fields_, GroupField::client)) {
      keep(mask.client, sizeof mask.client);
    } else if (has(fields_, GroupField::clientSubnet)) {
      keep(mask.client, family == AF_INET6 ? 8 : 3);
    }
    if (virtualEnd || fwmark) {
      keep(mask.virtualAddress, sizeof mask.virtualAddress);
      keep(mask.virtualPort, sizeof mask.virtualPort);
    }
    if (virtualEnd || has(fields_, GroupField::client) || has(fields_, GroupField::clientSubnet)) {
      mask.family = 0xff;
    }
    if (has(fields_, GroupField::destination)) {
      keep(mask.destination, sizeof mask.destination);
      keep(mask.destinationPort, sizeof mask.destinationPort);
      mask.destinationFamily = 0xff;
    }
    mask.state = has(fields_, GroupField::state) ? 0xff : 0;
    mask.protocol = has(fields_, GroupField::protocol) ? 0xff : 0;
    mask.kind = 0xff;
    std::memcpy(masks_[family == AF_INET6 ? 1 : 0][isMark ? 1 : 0], &mask, sizeof mask);
  }

  uint8_t fields_;
  uint64_t masks_[2][2][8]{};
};

// Hash table from rows to group numbers, with open addressing.
class Table {
public:
  void count(const Connection& row) {
    if ((groups.rows.size() + 1) * 4 > slots_.size() * 3) {
      grow();
    }
    const size_t mask = slots_.size() - 1;
    size_t slot = hashRow(row, 0) & mask;
    for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
      const uint32_t group = slots_[slot] - 1;
      if (std::memcmp(&groups.rows[group], &row, sizeof row) == 0) {
        ++groups.counts[group];
        return;
      }
    }
    groups.rows.push_back(row);
    groups.counts.push_back(1);
    slots_[slot] = static_cast<uint32_t>(groups.rows.size());
  }

  Groups groups;

private:
  void grow() {
    slots_.assign(slots_.empty() ? 256 : slots_.size() * 2, 0);
    const size_t mask = slots_.size() - 1;
    for (uint32_t group = 0; group < groups.rows.size(); ++group) {
      size_t slot = hashRow(groups.rows[group], 0) & mask;
      while (slots_[slot] != 0) {
        slot = (slot + 1) & mask;
      }
      slots_[slot] = group + 1;
    }
  }

  std::vector<uint32_t> slots_; // number of the group plus one; 0: free
};

} // namespace

Groups groupConnections(std::span<const std::span<const Connection>> blocks, uint8_t fields, size_t most) {
  const Projection project(fields);
  Table table;
  for (const auto block : blocks) {
    for (const Connection& row : block) {
      table.count(project(row));
    }
  }
  const Groups& all = table.groups;
  std::vector<uint32_t> order(all.rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](uint32_t left, uint32_t right) {
    return all.counts[left] != all.counts[right] ? all.counts[left] > all.counts[right] : left < right;
  };
  const size_t wanted = std::min(most, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(wanted), order.end(), before);
  Groups largest;
  largest.rows.reserve(wanted);
  largest.counts.reserve(wanted);
  for (size_t i = 0; i < wanted; ++i) {
    largest.rows.push_back(all.rows[order[i]]);
    largest.counts.push_back(all.counts[order[i]]);
  }
  return largest;
}

} // namespace ipvs
