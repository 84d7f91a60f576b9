// A field of the packet on its way from a register to a comparison: what a rule asks of packets.
#pragma once

#include "nftables/rule_reader.h"

namespace nftables {

class FieldReader {
public:
  enum class Field : uint8_t { none, family, protocol, interface, source, destination, sourcePort, destinationPort };

  explicit FieldReader(Meaning& meaning) : meaning_(meaning) {}

  [[nodiscard]] bool waiting() const { return field_ != Field::none; }
  [[nodiscard]] bool in(size_t word) const { return waiting() && word == word_; }

  // The first `length` bytes of a field that has `width` are in the register from `word` on.
  void load(Field field, size_t word, size_t length, size_t width);
  void forget() { field_ = Field::none; }

  // False, all of them: there is no way to say that in a Meaning.
  [[nodiscard]] bool mask(Bytes mask);
  [[nodiscard]] bool compare(uint32_t operation, Bytes data); // nft_cmp_ops
  [[nodiscard]] bool range(Bytes from, Bytes to);

private:
  [[nodiscard]] bool equal(Bytes data);
  [[nodiscard]] bool block(Bytes data, Bounds& found) const;
  [[nodiscard]] bool bound(Bytes data, bool lower);
  [[nodiscard]] Bounds* bounds();

  Meaning& meaning_;
  Field field_ = Field::none;
  size_t word_ = 0;
  size_t length_ = 0;
  size_t width_ = 0;
  std::byte mask_[16] = {};
};

} // namespace nftables
