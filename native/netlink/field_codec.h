// Decodes and encodes the fields of records (record.h). All of encoding, and the fast path of decoding, is code that is
// generated from a table at compile time, one step per field. A decoding step takes the next attribute if its header is
// the one that the table predicts, so no step searches and every copy has a constant size. Everything else (another
// order, a flag in the type, a wrong length, unknown attributes) is left to decode().
#pragma once

#include "netlink/record.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace netlink {

struct Decoder {
  const std::byte* at;
  const std::byte* const end;
  std::byte* const row;
  uint32_t present = 0;

  [[nodiscard]] size_t left() const { return static_cast<size_t>(end - at); }

  void skip(size_t length) { at += std::min(align4(length), left()); } // the last attribute may lack its padding
};

// Length of the next attribute if it has this type and fits, else 0.
inline size_t lengthOfNext(const Decoder& decoder, uint16_t type) {
  if (decoder.left() < sizeof(nlattr)) {
    return 0;
  }
  const auto header = load<nlattr>(decoder.at);
  const bool found = (header.nla_type & NLA_TYPE_MASK) == type;
  return found && header.nla_len >= sizeof(nlattr) && header.nla_len <= decoder.left() ? header.nla_len : 0;
}

// Bit set of the attribute numbers in a table.
constexpr uint64_t knownTypes(std::span<const Field> fields) {
  uint64_t known = 0;
  for (const Field& field : fields) {
    known |= uint64_t{1} << field.attribute;
  }
  return known;
}

// Skips attributes that are not in the table.
inline void skipUnknown(Decoder& decoder, uint64_t known) {
  while (decoder.left() >= sizeof(nlattr)) {
    const auto header = load<nlattr>(decoder.at);
    const unsigned type = header.nla_type & NLA_TYPE_MASK;
    if ((type < 64 && (known >> type & 1U) != 0) || header.nla_len < sizeof(nlattr) ||
        header.nla_len > decoder.left()) {
      return;
    }
    decoder.skip(header.nla_len);
  }
}

constexpr uint32_t headerOf(const Field& field) {
  return std::bit_cast<uint32_t>(nlattr{static_cast<uint16_t>(sizeof(nlattr) + field.size), field.attribute});
}

// Decodes field `index` if its attribute is next, and moves behind it.
template <const auto& fields, size_t index> [[gnu::always_inline]] inline void decodeNext(Decoder& decoder) {
  constexpr const Field& field = fields[index];
  constexpr size_t length = sizeof(nlattr) + field.size;
  // A second attribute of this field is left to decode(), which clears the first value.
  [[maybe_unused]] const bool taken = (decoder.present >> index & 1U) != 0;
  if constexpr (field.kind == Kind::nested) {
    skipUnknown(decoder, knownTypes(fields)); // such as STATS, which the kernel sends before STATS64
    const size_t nested = taken ? 0 : lengthOfNext(decoder, field.attribute);
    const std::byte* const end = decoder.at + nested;
    if (nested == 0 ||
        field.record->decodeInOrder(decoder.at + sizeof(nlattr), end, decoder.row + field.offset) != end) {
      return;
    }
    decoder.skip(nested);
  } else if constexpr (field.kind == Kind::text) {
    const size_t any = taken ? 0 : lengthOfNext(decoder, field.attribute);
    if (any == 0 || !copyText(Bytes(decoder.at, any).subspan(sizeof(nlattr)), decoder.row + field.offset, field.size)) {
      return;
    }
    decoder.skip(any);
  } else {
    if (decoder.left() < length || load<uint32_t>(decoder.at) != headerOf(field)) {
      return;
    }
    const std::byte* const payload = decoder.at + sizeof(nlattr);
    if constexpr (field.kind == Kind::be16) {
      store(decoder.row + field.offset, networkOrder(load<uint16_t>(payload)));
    } else {
      static_assert(widthOf(field.kind) != 0 || field.kind == Kind::bytes, "no fast path for this kind");
      std::memcpy(decoder.row + field.offset, payload, field.size);
    }
    if constexpr (align4(length) == length) {
      decoder.at += length;
    } else {
      decoder.skip(length);
    }
  }
  decoder.present |= 1U << index;
}

// Offset of attribute `index` in a message that has all attributes before it.
constexpr size_t wireOffset(std::span<const Field> fields, size_t index) {
  size_t offset = 0;
  for (const Field& field : fields.first(index)) {
    offset += sizeof(nlattr) + align4(field.size);
  }
  return offset;
}

constexpr bool areCounters(std::span<const Field> fields) {
  return std::ranges::all_of(fields, [](const Field& field) { return field.kind == Kind::u64; });
}

// Decodes a complete table of counters at once. False: an attribute is missing, out of order or not in the table.
template <const auto& fields, size_t... index>
[[gnu::always_inline]] inline bool decodeCounters(const std::byte* from, size_t size, std::byte* row,
                                                  std::index_sequence<index...> /*all*/) {
  if (size != wireOffset(fields, sizeof...(index)) ||
      ((load<uint32_t>(from + wireOffset(fields, index)) ^ headerOf(fields[index])) | ...) != 0) {
    return false;
  }
  (std::memcpy(row + fields[index].offset, from + wireOffset(fields, index) + sizeof(nlattr), sizeof(uint64_t)), ...);
  store(row, static_cast<uint32_t>((uint64_t{1} << sizeof...(index)) - 1));
  return true;
}

// Decodes attributes into a zeroed row as long as they are in table order. Returns where it stopped.
template <const auto& fields>
const std::byte* decodeInOrder(const std::byte* begin, const std::byte* end, std::byte* row) {
  constexpr auto all = std::make_index_sequence<std::size(fields)>();
  if constexpr (areCounters(fields)) {
    if (decodeCounters<fields>(begin, static_cast<size_t>(end - begin), row, all)) {
      return end;
    }
  }
  Decoder decoder{begin, end, row};
  // Two rounds: replies carry ADDR_FAMILY after attributes that it precedes in our table.
  for (int round = 0; round < 2 && decoder.at != end; ++round) {
    [&]<size_t... index>(std::index_sequence<index...>) { (decodeNext<fields, index>(decoder), ...); }(all);
  }
  store(row, decoder.present);
  return decoder.at;
}

// Writes the attribute of a present field to zeroed memory and returns its end. Nested fields are reply-only.
template <const auto& fields, size_t index>
[[gnu::always_inline]] inline std::byte* encodeField(const std::byte* row, uint32_t present, std::byte* to) {
  constexpr const Field& field = fields[index];
  if ((present >> index & 1U) == 0) {
    return to;
  }
  const std::byte* const from = row + field.offset;
  std::byte* const payload = to + sizeof(nlattr);
  if constexpr (field.kind == Kind::text) {
    size_t size = 0;
    for (; size + 1 < field.size && from[size] != std::byte{0}; ++size) {
      payload[size] = from[size];
    }
    ++size; // the NUL, already zero
    store(to, nlattr{static_cast<uint16_t>(sizeof(nlattr) + size), field.attribute});
    return payload + align4(size);
  } else if constexpr (field.kind == Kind::be16) {
    store(payload, networkOrder(load<uint16_t>(from)));
  } else {
    std::memcpy(payload, from, field.size);
  }
  store(to, headerOf(field));
  return payload + align4(field.size);
}

// Writes the attributes of a row to zeroed memory, in table order. Returns their end.
template <const auto& fields> std::byte* encodeInOrder(const std::byte* row, std::byte* to) {
  const auto present = load<uint32_t>(row);
  [&]<size_t... index>(std::index_sequence<index...>) {
    ((to = fields[index].replyOnly ? to : encodeField<fields, index>(row, present, to)), ...);
  }(std::make_index_sequence<std::size(fields)>());
  return to;
}

// A record with its generated decoder and encoder.
template <typename Row, const auto& fields> constexpr Record recordOf(const char* name, uint16_t attribute = 0) {
  return {name, sizeof(Row), attribute, fields, decodeInOrder<fields>, encodeInOrder<fields>};
}

} // namespace netlink
