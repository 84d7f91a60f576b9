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
  int64_t number = 0; // of a boolean or an integer; the length of a list; what `at` is asked for a reference
  std::string_view text;
};

class CloneReader {
public:
  explicit CloneReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // The length of the list that was written. Absent: this is none, or another version of the format.
  [[nodiscard]] std::optional<uint32_t> open();

  [[nodiscard]] Cloned next();

  // Passes over what belongs to a value. False: it is broken.
  [[nodiscard]] bool skip(const Cloned& value, unsigned depth = 0);

  // Another reader, which stands behind the beginning of the object that is referred to. Absent: there is none.
  [[nodiscard]] std::optional<CloneReader> at(const Cloned& reference) const;

private:
  [[nodiscard]] std::optional<uint32_t> varint();
  [[nodiscard]] std::optional<std::string_view> take(size_t size);
  [[nodiscard]] Cloned other(std::optional<uint32_t> size, unsigned shift);
  [[nodiscard]] Cloned readDouble();
  [[nodiscard]] Cloned begin(Cloned::Kind kind, uint32_t length);
  [[nodiscard]] Cloned endOf(unsigned numbers);
  [[nodiscard]] Cloned fail();

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  std::vector<uint32_t> begun_; // where the objects so far begin; 0 for lists, as references count these as well
};

} // namespace ipvs
