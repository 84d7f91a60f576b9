// The codec: one table describes a record (a struct and its netlink attributes) and drives decoding, encoding, merging,
// error location and the debug dump. The struct itself is the row that crosses into JavaScript.
//
// A row starts with `uint32_t present`: bit i says that field i of the table has a value. Absent is not zero.
#pragma once

#include "netlink/attribute.h"

#include <array>
#include <optional>
#include <string>

namespace netlink {

// Width and byte order of a field on the wire. In the row, numbers are always in host order.
enum class Kind : uint8_t {
  u8,
  u16,
  u32,
  u64,
  be16,   // network order on the wire
  text,   // NUL-terminated; the row has room for the NUL
  bytes,  // raw, copied as they are; shorter payloads are filled with zeros
  flags,  // {u32 flags, u32 mask}
  nested, // another record, itself with presence bits
};

struct Record;

struct Field {
  const char* name;
  Kind kind;
  uint16_t attribute;   // the kernel's number
  uint16_t offset;      // in the row
  uint16_t size;        // in the row
  bool replyOnly;       // the kernel tells it and never takes it: not encoded, not merged
  const Record* record; // of a nested field
  const char* constant; // the kernel's name of `attribute`
  const char* doc;
};

// By attribute number: 1 + the index of its field; 0: none.
using Slots = std::array<uint8_t, 64>;

constexpr Slots slotsOf(std::span<const Field> fields) {
  Slots slots{};
  for (size_t i = 0; i < fields.size(); ++i) {
    slots.at(fields[i].attribute) = static_cast<uint8_t>(i + 1);
  }
  return slots;
}

// The most bytes that its attributes can take.
constexpr size_t mostEncodedOf(std::span<const Field> fields) {
  size_t most = 0;
  for (const Field& field : fields) {
    most += field.replyOnly ? 0 : sizeof(nlattr) + align4(field.size);
  }
  return most;
}

struct Record {
  const char* name;
  uint16_t size;      // of the row
  uint16_t attribute; // of the record inside a message; 0: its attributes stand at the top level
  std::span<const Field> fields;
  // Takes what comes in the order of the table (sweep.h); null: nobody made it.
  const std::byte* (*inOrder)(const std::byte* begin, const std::byte* end, std::byte* row) = nullptr;
  // Writes the attributes of a row into zeros and answers their end (sweep.h); null: the record is never encoded.
  std::byte* (*put)(const std::byte* row, std::byte* to) = nullptr;
  size_t mostEncoded = mostEncodedOf(fields);
  Slots slots = slotsOf(fields);

  [[nodiscard]] const Field* find(uint16_t type) const {
    const size_t slot = type < slots.size() ? slots[type] : 0;
    return slot == 0 ? nullptr : fields.data() + (slot - 1);
  }
};

#define NETLINK_FIELD_(Row, member, kind, replyOnly, record, constant, doc)                                            \
  netlink::Field {                                                                                                     \
    #member, netlink::Kind::kind, constant, offsetof(Row, member), sizeof(Row::member), replyOnly, record, #constant,  \
        doc                                                                                                            \
  }
#define NETLINK_FIELD(Row, member, kind, constant, doc) NETLINK_FIELD_(Row, member, kind, false, nullptr, constant, doc)
#define NETLINK_REPLY(Row, member, kind, constant, doc) NETLINK_FIELD_(Row, member, kind, true, nullptr, constant, doc)
#define NETLINK_REPLY_NESTED(Row, member, record, constant, doc)                                                       \
  NETLINK_FIELD_(Row, member, nested, true, &(record), constant, doc)

constexpr size_t widthOf(Kind kind) {
  switch (kind) {
  case Kind::u8:
    return 1;
  case Kind::u16:
  case Kind::be16:
    return 2;
  case Kind::u32:
    return 4;
  case Kind::u64:
  case Kind::flags:
    return 8;
  default:
    return 0; // any
  }
}

// Compile-time proof that a table fits its struct: widths match kinds, members are aligned and do not overlap, no
// attribute stands twice, no gap hides a member that nobody described, at most 32 fields, rows pack into arrays.
constexpr bool wellFormed(const Record& record) {
  if (record.fields.size() > 32 || record.size % 8 != 0) {
    return false;
  }
  size_t described = sizeof(uint32_t); // `present`
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const Field& field = record.fields[i];
    const size_t width = widthOf(field.kind);
    if (width != 0 && field.size != width) {
      return false;
    }
    const size_t alignment = field.kind == Kind::flags ? 4 : width;
    if (alignment != 0 && field.offset % alignment != 0) {
      return false;
    }
    if (field.kind == Kind::nested && !field.replyOnly) {
      return false;
    }
    if (field.kind == Kind::nested && (field.record->size != field.size || field.offset % 8 != 0)) {
      return false;
    }
    if (field.offset < sizeof(uint32_t) || field.offset + field.size > record.size) {
      return false;
    }
    for (size_t j = 0; j < i; ++j) {
      const Field& other = record.fields[j];
      const bool apart = other.offset + other.size <= field.offset || field.offset + field.size <= other.offset;
      if (!apart || other.attribute == field.attribute) {
        return false;
      }
    }
    described += field.size;
  }
  return record.size - described < 8; // what is left is the padding at the end
}

inline bool has(const Record& record, const std::byte* row, const Field& field) {
  const auto bit = static_cast<uint32_t>(&field - record.fields.data());
  return (load<uint32_t>(row) >> bit & 1U) != 0;
}

// Copies a text up to its NUL. False when it has no room. Most are a few bytes: a loop is cheaper than a call.
[[nodiscard]] inline bool copyText(Bytes payload, std::byte* to, size_t room) {
  for (const std::byte letter : payload) {
    if (letter == std::byte{0}) {
      break;
    }
    if (--room == 0) {
      return false;
    }
    *to++ = letter;
  }
  return true;
}

// Copies one payload into its place. False when the width is not the kind's.
[[nodiscard]] bool decodeField(const Field& field, Bytes payload, std::byte* to);

// Decodes a list of attributes into a row, which is zeroed first. Unknown attributes are skipped (newer kernels); a
// known one of the wrong width is an error, answered with its path ("service.netmask").
[[nodiscard]] std::optional<std::string> decode(const Record& record, Bytes attributes, std::byte* row);

// Appends the present fields of a row, in the order of the table; what only the kernel can tell is left out. The record
// has to have `put`.
void encode(const Record& record, const std::byte* row, Writer& writer);

// The same, wrapped in the record's own attribute.
void encodeNested(const Record& record, const std::byte* row, Writer& writer);

// Completes `row` with the fields of `base` that it lacks: a patch becomes the full record the kernel wants.
void merge(const Record& record, std::byte* row, const std::byte* base);

// True when nothing is left for merge() to fill in.
[[nodiscard]] bool isComplete(const Record& record, const std::byte* row);

// True when every field present in `wish` has the same value in `actual`.
[[nodiscard]] bool matches(const Record& record, const std::byte* wish, const std::byte* actual);

// The path of the attribute that stands at `offset` (as extended ACKs give it, from the start of `attributes`), for
// instance "service.netmask"; empty when there is none.
[[nodiscard]] std::string locate(std::span<const Record* const> top, Bytes attributes, size_t offset);

// Annotated hex, one attribute after the other: the debug dump, and the format of the golden files.
[[nodiscard]] std::string describe(std::span<const Record* const> top, Bytes attributes);

} // namespace netlink
