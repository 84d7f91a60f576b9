// Netlink attributes: {u16 length, u16 type, payload, padding to 4}.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace netlink {

using Bytes = std::span<const std::byte>;

constexpr size_t align4(size_t length) { return (length + 3) & ~size_t{3}; }

// Reads a value from bytes of any alignment.
template <typename T>
  requires std::is_trivially_copyable_v<T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
  requires std::is_trivially_copyable_v<T>
void store(std::byte* to, const T& value) {
  std::memcpy(to, &value, sizeof value);
}

// Converts between host and network order, in either direction.
template <typename T>
  requires std::is_unsigned_v<T>
constexpr T networkOrder(T value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else if constexpr (sizeof(T) == 8) {
    return __builtin_bswap64(value);
  }
#endif
  return value;
}

struct Attribute {
  uint16_t type = 0; // without the NESTED and NET_BYTEORDER bits: IPVS is inconsistent about them
  size_t offset = 0; // of the attribute's header, from the start of the list
  Bytes payload;
};

// Walks a list of attributes. A length that does not fit ends the walk and sets malformed(); it never reads past
// `bytes`.
class AttributeReader {
public:
  explicit AttributeReader(Bytes bytes) : bytes_(bytes) {}

  bool next(Attribute& attribute) {
    const std::byte* const start = bytes_.data() + position_;
    const size_t left = bytes_.size() - position_;
    if (left < sizeof(nlattr)) {
      return left == 0 ? false : fail();
    }
    const auto header = load<nlattr>(start);
    const size_t length = header.nla_len;
    if (length < sizeof(nlattr) || length > left) {
      return fail();
    }
    attribute.type = header.nla_type & NLA_TYPE_MASK;
    attribute.offset = position_;
    attribute.payload = Bytes(start + sizeof(nlattr), length - sizeof(nlattr));
    const size_t step = align4(length);
    position_ += step < left ? step : left;
    return true;
  }

  [[nodiscard]] bool malformed() const { return malformed_; }

private:
  bool fail() {
    malformed_ = true;
    position_ = bytes_.size();
    return false;
  }

  Bytes bytes_;
  size_t position_ = 0;
  bool malformed_ = false;
};

// Appends attributes to a message under construction.
class Writer {
public:
  explicit Writer(std::vector<std::byte>& out) : out_(out) {}

  void append(const void* data, size_t size) {
    std::byte* to = claim(align4(size));
    if (size != 0) {
      std::memcpy(to, data, size);
    }
  }

  // Appends `size` zero bytes and returns their address. Padding is therefore never written.
  [[nodiscard]] std::byte* claim(size_t size) {
    const size_t start = out_.size();
    out_.resize(start + size);
    return out_.data() + start;
  }

  // Removes the last `size` bytes.
  void shrink(size_t size) { out_.resize(out_.size() - size); }

  void attribute(uint16_t type, const void* data, size_t size) {
    std::byte* to = claim(sizeof(nlattr) + align4(size));
    store(to, nlattr{static_cast<uint16_t>(sizeof(nlattr) + size), type});
    if (size != 0) {
      std::memcpy(to + sizeof(nlattr), data, size);
    }
  }

  template <typename T>
    requires std::is_arithmetic_v<T>
  void value(uint16_t type, T value) {
    attribute(type, &value, sizeof value);
  }

  template <typename T>
    requires std::is_unsigned_v<T>
  void valueBigEndian(uint16_t type, T value) {
    this->value(type, networkOrder(value));
  }

  // The payload includes the terminating NUL, as NLA_NUL_STRING requires.
  void text(uint16_t type, std::string_view text) {
    std::byte* to = claim(sizeof(nlattr) + align4(text.size() + 1));
    store(to, nlattr{static_cast<uint16_t>(sizeof(nlattr) + text.size() + 1), type});
    std::memcpy(to + sizeof(nlattr), text.data(), text.size());
  }

  // Opens a nested attribute. Pass the result to endNest().
  [[nodiscard]] size_t beginNest(uint16_t type) {
    const size_t start = out_.size();
    const nlattr header{sizeof(nlattr), static_cast<uint16_t>(type | NLA_F_NESTED)};
    append(&header, sizeof header);
    return start;
  }

  void endNest(size_t start) { store(out_.data() + start, static_cast<uint16_t>(out_.size() - start)); }

  [[nodiscard]] size_t size() const { return out_.size(); }

private:
  std::vector<std::byte>& out_;
};

} // namespace netlink
