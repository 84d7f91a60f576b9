// The destinations of one service as they were listed a moment ago: for many patches of one service in a row.
#pragma once

#include "ipvs/keys.h"

#include <optional>

namespace ipvs {

class Listing {
public:
  // `rows`: destinations of `service`.
  Listing(const std::byte* service, Rows rows);

  [[nodiscard]] bool of(const std::byte* service) const { return sameService(service_.data(), service); }

  // The row of `destination`; null: there was none.
  [[nodiscard]] const std::byte* find(const std::byte* destination) const;

  // A write that is on its way puts `destination` in the place of the row that was listed.
  void put(const std::byte* destination);

private:
  [[nodiscard]] std::optional<size_t> positionOf(const std::byte* destination) const;

  Row service_;
  Rows rows_;
  std::vector<std::pair<Key, size_t>> order_; // sorted; the number of the row
};

} // namespace ipvs
