#include "nftables/match_reader.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace nftables {

void MatchReader::load(Field field, size_t word, size_t length, size_t width) {
  if (loaded()) {
    rule_.supported = false; // two fields at once: the key of a lookup
  }
  field_ = field;
  word_ = word;
  length_ = length;
  width_ = width;
  std::ranges::fill(mask_, std::byte{0xff});
}

bool MatchReader::mask(Bytes mask) {
  if (mask.size() != length_ || length_ > sizeof mask_) {
    return false;
  }
  std::ranges::copy(mask, mask_);
  return true;
}

bool MatchReader::compare(uint32_t operation, Bytes data) {
  if (data.empty() || data.size() > length_) {
    return false;
  }
  switch (operation) {
  case NFT_CMP_EQ:
    return equal(data);
  case NFT_CMP_GTE:
    return bound(data, true); // the upper bound follows
  case NFT_CMP_LTE: {
    const bool good = bound(data, false);
    forget();
    return good;
  }
  default:
    forget();
    return false;
  }
}

bool MatchReader::range(Bytes from, Bytes to) {
  const bool good = bound(from, true) && bound(to, false);
  forget();
  return good;
}

Bounds* MatchReader::bounds() {
  switch (field_) {
  case Field::source:
    return &rule_.source;
  case Field::destination:
    return &rule_.destination;
  case Field::sourcePort:
    return &rule_.sourcePort;
  case Field::destinationPort:
    return &rule_.destinationPort;
  default:
    return nullptr;
  }
}

bool MatchReader::equal(Bytes data) {
  const auto first = static_cast<uint8_t>(data[0]);
  bool good = true;
  if (Bounds* found = bounds()) {
    good = !found->given && block(data, *found);
    found->given = true;
  } else if (field_ == Field::family) {
    rule_.family = first == NFPROTO_IPV4 ? AF_INET : first == NFPROTO_IPV6 ? AF_INET6 : 0;
  } else if (field_ == Field::protocol) {
    rule_.protocol = first;
  } else {
    const auto* text = reinterpret_cast<const char*>(data.data());
    rule_.interface.assign(text, strnlen(text, data.size()));
    if (rule_.interface.size() == data.size()) {
      rule_.interface += '*';
    }
    good = rule_.interface.size() < IFNAMSIZ;
  }
  forget();
  return good;
}

// Bounds of the block with this prefix. False: the mask is not a prefix.
bool MatchReader::block(Bytes data, Bounds& found) const {
  bool host = false;
  for (size_t at = 0; at < width_; ++at) {
    const std::byte mask = at < data.size() ? mask_[at] : std::byte{0};
    for (std::byte one{0x80}; one != std::byte{0}; one >>= 1) {
      const bool fixed = (mask & one) != std::byte{0};
      if (host && fixed) {
        return false;
      }
      host = host || !fixed;
    }
    const std::byte byte = at < data.size() ? data[at] : std::byte{0};
    found.from[at] = byte & mask;
    found.to[at] = byte | ~mask;
  }
  return true;
}

bool MatchReader::bound(Bytes data, bool lower) {
  Bounds* found = bounds();
  const bool masked = std::ranges::any_of(mask_, [](std::byte byte) { return byte != std::byte{0xff}; });
  if (found == nullptr || masked || data.size() != width_) {
    return false;
  }
  if (!found->given) {
    std::fill_n(found->to, width_, std::byte{0xff});
  }
  found->given = true;
  std::ranges::copy(data, lower ? found->from : found->to);
  return true;
}

} // namespace nftables
