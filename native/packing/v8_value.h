// Reads values in V8's serialization format (`serialize` of node:v8) in place. For many objects, serializing all of
// them at once takes a fraction of the time of reading each property through Node-API.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ipvs {

struct Cloned {
  enum class Kind : uint8_t {
    undefined,
    boolean,
    integer,   // includes doubles with an integer value, except -0
    text,      // of Latin-1 characters
    object,    // its properties follow, then `end`
    list,      // its elements follow, then `end`
    reference, // to an earlier object or list
    end,       // of an object or a list
    other,     // any other value without nested values
    broken,    // invalid input; all later values are broken as well
  };

  Kind kind = Kind::undefined;
  uint32_t size = 0;           // of a text or a list
  const char* start = nullptr; // of a text
  int64_t number = 0;          // of a boolean or an integer; id of a reference

  [[nodiscard]] std::string_view text() const { return {start, size}; }
};

class CloneReader {
public:
  explicit CloneReader(std::span<const std::byte> bytes) : begin_(bytes.data()), end_(begin_ + bytes.size()) {}

  // The length of the serialized list. Absent: not a list, or another version of the format.
  [[nodiscard]] std::optional<uint32_t> open();

  [[nodiscard]] Cloned next() {
    // Nearly all values are short texts.
    if (left() >= 2 && at_[0] == textTag && at_[1] < shortSize && left() - 2 >= static_cast<size_t>(at_[1])) {
      const Cloned text{Cloned::Kind::text, static_cast<uint32_t>(at_[1]), reinterpret_cast<const char*>(at_ + 2)};
      at_ += 2 + text.size;
      return text;
    }
    return nextOfAnyKind();
  }

  // Skips the nested values of `value`. False: invalid input.
  [[nodiscard]] bool skip(const Cloned& value) {
    return value.kind == Cloned::Kind::object || value.kind == Cloned::Kind::list ? skipInner(0)
                                                                                  : value.kind != Cloned::Kind::broken;
  }

  // A reader positioned after the start tag of the object that is referred to. It does not follow references itself.
  // Absent: the reference is not to an object.
  [[nodiscard]] std::optional<CloneReader> at(const Cloned& reference) const;

private:
  static constexpr std::byte textTag{'"'};
  static constexpr std::byte shortSize{0x80};

  [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - at_); }
  [[nodiscard]] Cloned nextOfAnyKind();
  [[nodiscard]] bool skipInner(unsigned depth);
  [[nodiscard]] bool varint(uint32_t& value);
  [[nodiscard]] Cloned text();
  [[nodiscard]] Cloned integer();
  [[nodiscard]] Cloned fromDouble();
  [[nodiscard]] Cloned other(unsigned sizeShift);
  [[nodiscard]] Cloned begin(Cloned::Kind kind, uint32_t size);
  [[nodiscard]] Cloned end(unsigned numbers);
  [[nodiscard]] Cloned fail();

  const std::byte* begin_;
  const std::byte* end_;
  const std::byte* at_ = begin_;
  bool first_ = true;           // not a reader returned by at(): begun_ is complete
  std::vector<uint32_t> begun_; // offsets of the objects so far; 0 for lists, which have reference ids as well
};

} // namespace ipvs
