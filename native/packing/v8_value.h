// Reads values in place as V8's serializer writes them (`serialize` of node:v8, the format of structured clones):
// objects in one go, which for many of them takes a fraction of asking for each property.
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
    integer,   // also one that V8 keeps as a double; -0 is none
    text,      // of Latin-1 characters
    object,    // its properties follow, then `end`
    list,      // its elements follow, then `end`
    reference, // to an object or a list that came before
    end,       // of an object or a list
    other,     // any other value of one piece
    broken,    // nothing that can be understood: so is all that follows
  };

  Kind kind = Kind::undefined;
  uint32_t size = 0;           // of a text or a list
  const char* start = nullptr; // of a text
  int64_t number = 0;          // of a boolean or an integer; what `at` is asked for a reference

  [[nodiscard]] std::string_view text() const { return {start, size}; }
};

class CloneReader {
public:
  explicit CloneReader(std::span<const std::byte> bytes) : begin_(bytes.data()), end_(begin_ + bytes.size()) {}

  // The length of the list that was written. Absent: this is none, or another version of the format.
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

  // Passes over what belongs to a value. False: it is broken.
  [[nodiscard]] bool skip(const Cloned& value) {
    return value.kind == Cloned::Kind::object || value.kind == Cloned::Kind::list ? skipInner(0)
                                                                                  : value.kind != Cloned::Kind::broken;
  }

  // Another reader, which stands behind the beginning of the object that is referred to, and follows no references
  // itself. Absent: there is none.
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
  bool first_ = true;           // has read all that was before
  std::vector<uint32_t> begun_; // where the objects so far begin; 0 for lists, as references count these as well
};

} // namespace ipvs
