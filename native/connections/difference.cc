#include "connections/difference.h"
#include "connections/identity.h"

namespace ipvs {
namespace {

// A row and its persistence engine.
struct Entry {
  const Connection* row = nullptr;
  EngineText engine;
};

// Walks all rows of a table with their engines.
template <typename Visit> void forEach(std::span<const ConnectionBlock> blocks, const Visit& visit) {
  uint32_t number = 0;
  for (const ConnectionBlock& block : blocks) {
    size_t at = 0;
    for (size_t i = 0; i < block.rows.size(); ++i) {
      EngineText engine;
      if (at + 8 <= block.engines.size() && netlink::load<uint32_t>(block.engines.data() + at) == i) {
        const auto length = netlink::load<uint32_t>(block.engines.data() + at + 4);
        engine = {reinterpret_cast<const char*>(block.engines.data() + at + 8), length};
        at += 8 + netlink::align4(length);
      }
      visit(number++, Entry{&block.rows[i], engine});
    }
  }
}

size_t rowsOf(std::span<const ConnectionBlock> blocks) {
  size_t rows = 0;
  for (const ConnectionBlock& block : blocks) {
    rows += block.rows.size();
  }
  return rows;
}

} // namespace

ConnectionDifference compareConnections(std::span<const ConnectionBlock> earlier,
                                        std::span<const ConnectionBlock> later) {
  std::vector<Entry> entries;
  entries.reserve(rowsOf(earlier));
  size_t size = 256;
  while (size < rowsOf(earlier) * 2) {
    size *= 2;
  }
  std::vector<uint32_t> slots(size); // number of the row plus one; 0: free
  const size_t mask = size - 1;
  forEach(earlier, [&](uint32_t number, const Entry& entry) {
    size_t slot = hashIdentity(*entry.row, entry.engine, 0) & mask;
    while (slots[slot] != 0) {
      slot = (slot + 1) & mask;
    }
    slots[slot] = number + 1;
    entries.push_back(entry);
  });
  ConnectionDifference difference;
  std::vector<bool> found(entries.size());
  forEach(later, [&](uint32_t number, const Entry& entry) {
    for (size_t slot = hashIdentity(*entry.row, entry.engine, 0) & mask;; slot = (slot + 1) & mask) {
      if (slots[slot] == 0) {
        difference.opened.push_back(number);
        return;
      }
      const uint32_t before = slots[slot] - 1;
      if (entries[before].engine == entry.engine && sameIdentity(*entries[before].row, *entry.row)) {
        found[before] = true;
        if (entries[before].row->state != entry.row->state) {
          difference.changed.push_back(before);
          difference.changed.push_back(number);
        }
        return;
      }
    }
  });
  for (uint32_t number = 0; number < entries.size(); ++number) {
    if (!found[number]) {
      difference.closed.push_back(number);
    }
  }
  return difference;
}

} // namespace ipvs
