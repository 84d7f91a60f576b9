#include "packing/v8_value.h"

#include <cmath>
#include <cstring>

namespace ipvs {
namespace {

using Kind = Cloned::Kind;

constexpr uint32_t version = 15; // since V8 9.5
constexpr unsigned mostDepth = 32;

// The tags that occur in batches. Other tags count as invalid input.
enum Tag : char {
  padding = 0,
  undefinedTag = '_',
  nullTag = '0',
  holeTag = '-',
  trueTag = 'T',
  falseTag = 'F',
  integerTag = 'I',
  doubleTag = 'N',
  bigintTag = 'Z',
  latin1Tag = '"',
  utf16Tag = 'c',
  objectTag = 'o',
  objectEnd = '{',
  listTag = 'A',
  listEnd = '$',
  referenceTag = '^',
  versionTag = '\xff',
};

} // namespace

bool CloneReader::varint(uint32_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 35 && at_ != end_; shift += 7) {
    const auto byte = static_cast<uint32_t>(*at_++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      return true;
    }
  }
  return false;
}

Cloned CloneReader::fail() {
  at_ = end_;
  return {Kind::broken};
}

Cloned CloneReader::begin(Kind kind, uint32_t size) {
  begun_.push_back(kind == Kind::object ? static_cast<uint32_t>(at_ - begin_) : 0);
  return {kind, size};
}

// The end tag is followed by counts: one number for an object, two for a list.
Cloned CloneReader::end(unsigned numbers) {
  for (uint32_t number = 0; numbers > 0; --numbers) {
    if (!varint(number)) {
      return fail();
    }
  }
  return {Kind::end};
}

Cloned CloneReader::text() {
  uint32_t size = 0;
  if (!varint(size) || size > left()) {
    return fail();
  }
  const auto* start = reinterpret_cast<const char*>(at_);
  at_ += size;
  return {Kind::text, size, start};
}

Cloned CloneReader::integer() {
  uint32_t bits = 0;
  if (!varint(bits)) {
    return fail();
  }
  const auto number = static_cast<int32_t>((bits >> 1) ^ (0 - (bits & 1))); // zigzag encoding
  return {.kind = Kind::integer, .number = number};
}

Cloned CloneReader::fromDouble() {
  double value = 0;
  if (left() < sizeof value) {
    return fail();
  }
  std::memcpy(&value, at_, sizeof value);
  at_ += sizeof value;
  constexpr double most = 9007199254740991; // Number.MAX_SAFE_INTEGER
  if (!(std::abs(value) <= most) || value != std::trunc(value) || (value == 0 && std::signbit(value))) {
    return {Kind::other};
  }
  return {.kind = Kind::integer, .number = static_cast<int64_t>(value)};
}

// Skips a size and as many bytes.
Cloned CloneReader::other(unsigned sizeShift) {
  uint32_t size = 0;
  if (!varint(size) || size >> sizeShift > left()) {
    return fail();
  }
  at_ += size >> sizeShift;
  return {Kind::other};
}

std::optional<uint32_t> CloneReader::open() {
  if (at_ == end_ || static_cast<char>(*at_) != versionTag) {
    return std::nullopt;
  }
  ++at_;
  uint32_t found = 0;
  if (!varint(found) || found != version) {
    return std::nullopt;
  }
  const Cloned list = next();
  return list.kind == Kind::list ? std::optional(list.size) : std::nullopt;
}

Cloned CloneReader::nextOfAnyKind() {
  while (at_ != end_ && static_cast<char>(*at_) == padding) {
    ++at_;
  }
  if (at_ == end_) {
    return fail();
  }
  uint32_t number = 0;
  switch (static_cast<char>(*at_++)) {
  case latin1Tag:
    return text();
  case integerTag:
    return integer();
  case doubleTag:
    return fromDouble();
  case undefinedTag:
    return {Kind::undefined};
  case nullTag:
  case holeTag:
    return {Kind::other};
  case trueTag:
    return {.kind = Kind::boolean, .number = 1};
  case falseTag:
    return {.kind = Kind::boolean, .number = 0};
  case utf16Tag:
    return other(0);
  case bigintTag: // the lowest bit is the sign
    return other(1);
  case objectTag:
    return begin(Kind::object, 0);
  case objectEnd:
    return end(1);
  case listTag:
    return varint(number) ? begin(Kind::list, number) : fail();
  case listEnd:
    return end(2);
  case referenceTag:
    return varint(number) ? Cloned{.kind = Kind::reference, .number = number} : fail();
  default:
    return fail();
  }
}

bool CloneReader::skipInner(unsigned depth) {
  for (;;) {
    const Cloned inner = next();
    if (inner.kind == Kind::end) {
      return true;
    }
    const bool nests = inner.kind == Kind::object || inner.kind == Kind::list;
    if (nests ? depth + 1 == mostDepth || !skipInner(depth + 1) : inner.kind == Kind::broken) {
      return false;
    }
  }
}

std::optional<CloneReader> CloneReader::at(const Cloned& reference) const {
  const auto id = static_cast<size_t>(reference.number);
  if (!first_ || reference.kind != Kind::reference || id >= begun_.size() || begun_[id] == 0) {
    return std::nullopt;
  }
  CloneReader there({begin_, end_});
  there.at_ = begin_ + begun_[id];
  there.first_ = false;
  return there;
}

} // namespace ipvs
