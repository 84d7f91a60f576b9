// The quick part of decoding: code that is made from a table at compile time, one step for each of its fields. A step
// takes its attribute when that stands next, with the header that the table predicts; so no step searches, and every
// copy has a known size. What comes otherwise (another order, a flag in the type, a wrong length, attributes that the
// table does not know) is left for decode().
#pragma once

#include "netlink/record.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace netlink {

struct Sweep {
  const std::byte* at;
  const std::byte* const end;
  std::byte* const row;
  uint32_t present = 0;

  [[nodiscard]] size_t left() const { return static_cast<size_t>(end - at); }

  void pass(size_t length) { at += std::min(align4(length), left()); } // the last attribute may lack its padding
};

// The length of the attribute that stands next, when it has this type and fits; else 0.
inline size_t lengthOfNext(const Sweep& sweep, uint16_t type) {
  if (sweep.left() < sizeof(nlattr)) {
    return 0;
  }
  const auto header = load<nlattr>(sweep.at);
  const bool found = (header.nla_type & NLA_TYPE_MASK) == type;
  return found && header.nla_len >= sizeof(nlattr) && header.nla_len <= sweep.left() ? header.nla_len : 0;
}

// One field of the table.
template <const auto& fields, size_t index> [[gnu::always_inline]] inline void takeField(Sweep& sweep) {
  constexpr const Field& field = fields[index];
  constexpr size_t length = sizeof(nlattr) + field.size;
  if constexpr (field.kind == Kind::nested) {
    const size_t nested = lengthOfNext(sweep, field.attribute);
    if (nested == 0 || field.record->inOrder(sweep.at + sizeof(nlattr), sweep.at + nested, sweep.row + field.offset) !=
                           sweep.at + nested) {
      return;
    }
    sweep.pass(nested);
  } else if constexpr (field.kind == Kind::text) {
    const size_t any = lengthOfNext(sweep, field.attribute);
    if (any == 0 || !copyText(Bytes(sweep.at, any).subspan(sizeof(nlattr)), sweep.row + field.offset, field.size)) {
      return;
    }
    sweep.pass(any);
  } else {
    constexpr auto header = std::bit_cast<uint32_t>(nlattr{length, field.attribute});
    if (sweep.left() < length || load<uint32_t>(sweep.at) != header) {
      return;
    }
    const std::byte* const payload = sweep.at + sizeof(nlattr);
    if constexpr (field.kind == Kind::be16) {
      store(sweep.row + field.offset, networkOrder(load<uint16_t>(payload)));
    } else {
      static_assert(widthOf(field.kind) != 0 || field.kind == Kind::bytes, "how are fields of this kind taken?");
      std::memcpy(sweep.row + field.offset, payload, field.size);
    }
    if constexpr (align4(length) == length) {
      sweep.at += length;
    } else {
      sweep.pass(length);
    }
  }
  sweep.present |= 1U << index;
}

// Takes attributes into a row of zeros as long as they come in the order of the table; answers where it stopped.
template <const auto& fields>
const std::byte* takeInOrder(const std::byte* begin, const std::byte* end, std::byte* row) {
  Sweep sweep{begin, end, row};
  [&]<size_t... index>(std::index_sequence<index...>) {
    (takeField<fields, index>(sweep), ...);
  }(std::make_index_sequence<std::size(fields)>());
  store(row, sweep.present);
  return sweep.at;
}

// A record that is decoded: the struct, its table, and the code made from it.
template <typename Row, const auto& fields> constexpr Record recordOf(const char* name, uint16_t attribute = 0) {
  return {name, sizeof(Row), attribute, fields, takeInOrder<fields>};
}

} // namespace netlink
