// Reads the matches of a rule: a field that is loaded into a register, optionally masked, and compared.
#pragma once

#include "nftables/rule_reader.h"

namespace nftables {

class MatchReader {
public:
  enum class Field : uint8_t { none, family, protocol, interface, source, destination, sourcePort, destinationPort };

  explicit MatchReader(ParsedRule& rule) : rule_(rule) {}

  // True between the load of a field and its comparison.
  [[nodiscard]] bool loaded() const { return field_ != Field::none; }
  [[nodiscard]] bool loadedAt(size_t word) const { return loaded() && word == word_; }

  // Registers from `word` on contain the first `length` bytes of a field of `width` bytes.
  void load(Field field, size_t word, size_t length, size_t width);
  void forget() { field_ = Field::none; }

  // Return false if a ParsedRule cannot express the match.
  [[nodiscard]] bool mask(Bytes mask);
  [[nodiscard]] bool compare(uint32_t operation, Bytes data); // nft_cmp_ops
  [[nodiscard]] bool range(Bytes from, Bytes to);

private:
  [[nodiscard]] bool equal(Bytes data);
  [[nodiscard]] bool block(Bytes data, Bounds& found) const;
  [[nodiscard]] bool bound(Bytes data, bool lower);
  [[nodiscard]] Bounds* bounds();

  ParsedRule& rule_;
  Field field_ = Field::none;
  size_t word_ = 0;
  size_t length_ = 0;
  size_t width_ = 0;
  std::byte mask_[16] = {};
};

} // namespace nftables
