// The destinations of one service as last listed: a cache for consecutive patches of one service.
#pragma once

#include "ipvs/keys.h"

#include <optional>

namespace ipvs {

class Listing {
public:
  // `rows`: destinations of `service`.
  Listing(const std::byte* service, Rows rows);

  [[nodiscard]] bool of(const std::byte* service) const { return sameService(service_.data(), service); }

  // The listed row with the key of `destination`; null: none.
  [[nodiscard]] const std::byte* find(const std::byte* destination) const;

  // Replaces the listed row by `destination`, which is about to be written.
  void put(const std::byte* destination);

private:
  [[nodiscard]] std::optional<size_t> positionOf(const std::byte* destination) const;

  Row service_;
  Rows rows_;
  std::vector<std::pair<Key, size_t>> order_; // sorted; the number of the row
};

} // namespace ipvs
