#include "ipvs/clone.h"

#include <cmath>
#include <cstring>

namespace ipvs {
namespace {

using Kind = Cloned::Kind;

constexpr uint32_t version = 15; // since V8 9.5
constexpr unsigned mostDepth = 32;

// The tags of what batches are made of; all others are broken.
enum Tag : uint8_t {
  padding = 0,
  versionTag = 0xff,
  undefinedTag = '_',
  nullTag = '0',
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
  hole = '-',
  referenceTag = '^',
};

} // namespace

std::optional<uint32_t> CloneReader::varint() {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 35 && position_ < bytes_.size(); shift += 7) {
    const auto byte = static_cast<uint32_t>(bytes_[position_++]);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> CloneReader::take(size_t size) {
  if (size > bytes_.size() - position_) {
    return std::nullopt;
  }
  const auto* start = reinterpret_cast<const char*>(bytes_.data() + position_);
  position_ += size;
  return std::string_view(start, size);
}

Cloned CloneReader::fail() {
  position_ = bytes_.size();
  return {.kind = Kind::broken, .text = {}};
}

Cloned CloneReader::begin(Kind kind, uint32_t length) {
  begun_.push_back(kind == Kind::object ? static_cast<uint32_t>(position_) : 0);
  return {.kind = kind, .number = length, .text = {}};
}

// How much there was is told behind it: once of an object, twice of a list.
Cloned CloneReader::endOf(unsigned numbers) {
  for (unsigned i = 0; i < numbers; ++i) {
    if (!varint()) {
      return fail();
    }
  }
  return {.kind = Kind::end, .text = {}};
}

Cloned CloneReader::other(std::optional<uint32_t> size, unsigned shift) {
  if (!size || !take(*size >> shift)) {
    return fail();
  }
  return {.kind = Kind::other, .text = {}};
}

Cloned CloneReader::readDouble() {
  const auto bytes = take(sizeof(double));
  if (!bytes) {
    return fail();
  }
  double value = 0;
  std::memcpy(&value, bytes->data(), sizeof value);
  constexpr double most = 9007199254740991; // the largest up to which all integers are doubles
  if (!(std::abs(value) <= most) || value != std::trunc(value) || (value == 0 && std::signbit(value))) {
    return {.kind = Kind::other, .text = {}};
  }
  return {.kind = Kind::integer, .number = static_cast<int64_t>(value), .text = {}};
}

std::optional<uint32_t> CloneReader::open() {
  if (bytes_.empty() || static_cast<uint8_t>(bytes_[0]) != versionTag) {
    return std::nullopt;
  }
  position_ = 1;
  if (varint() != version) {
    return std::nullopt;
  }
  const Cloned list = next();
  return list.kind == Kind::list ? std::optional(static_cast<uint32_t>(list.number)) : std::nullopt;
}

Cloned CloneReader::next() {
  while (position_ < bytes_.size() && static_cast<uint8_t>(bytes_[position_]) == padding) {
    ++position_;
  }
  if (position_ == bytes_.size()) {
    return fail();
  }
  switch (static_cast<uint8_t>(bytes_[position_++])) {
  case undefinedTag:
    return {.text = {}};
  case nullTag:
  case hole:
    return {.kind = Kind::other, .text = {}};
  case trueTag:
    return {.kind = Kind::boolean, .number = 1, .text = {}};
  case falseTag:
    return {.kind = Kind::boolean, .number = 0, .text = {}};
  case integerTag:
    if (const auto bits = varint()) { // the sign is the lowest bit
      return {.kind = Kind::integer, .number = static_cast<int32_t>((*bits >> 1) ^ (0 - (*bits & 1))), .text = {}};
    }
    return fail();
  case doubleTag:
    return readDouble();
  case latin1Tag:
    if (const auto size = varint()) {
      if (const auto text = take(*size)) {
        return {.kind = Kind::text, .text = *text};
      }
    }
    return fail();
  case utf16Tag:
    return other(varint(), 0);
  case bigintTag: // the lowest bit is the sign
    return other(varint(), 1);
  case objectTag:
    return begin(Kind::object, 0);
  case objectEnd:
    return endOf(1);
  case listTag:
    if (const auto length = varint()) {
      return begin(Kind::list, *length);
    }
    return fail();
  case listEnd:
    return endOf(2);
  case referenceTag:
    if (const auto id = varint()) {
      return {.kind = Kind::reference, .number = *id, .text = {}};
    }
    return fail();
  default:
    return fail();
  }
}

bool CloneReader::skip(const Cloned& value, unsigned depth) {
  if (value.kind != Kind::object && value.kind != Kind::list) {
    return value.kind != Kind::broken;
  }
  if (depth == mostDepth) {
    return false;
  }
  for (;;) {
    const Cloned inner = next();
    if (inner.kind == Kind::end) {
      return true;
    }
    if (!skip(inner, depth + 1)) {
      return false;
    }
  }
}

std::optional<CloneReader> CloneReader::at(const Cloned& reference) const {
  const auto id = static_cast<size_t>(reference.number);
  if (reference.kind != Kind::reference || id >= begun_.size() || begun_[id] == 0) {
    return std::nullopt;
  }
  CloneReader there(bytes_);
  there.position_ = begun_[id];
  return there;
}

} // namespace ipvs
