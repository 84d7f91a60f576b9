// Records: C++ structs, each with a table of its netlink attributes, one `Field` per member. The functions below work
// from the table. Code generated from it (field_codec.h) encodes, and decodes attributes in table order; record.cc
// decodes them in any order.
//
// A row is the memory of one struct; JavaScript reads and writes it. It starts with `uint32_t present`: bit i is set if
// field i of the table has a value. Absent is not zero.
#pragma once

#include "netlink/attribute.h"

#include <array>
#include <optional>
#include <string>

namespace netlink {

// Wire format of a field. In the row, numbers are always in host order.
enum class Kind : uint8_t {
  u8,
  u16,
  u32,
  u64,
  be16,   // network order on the wire
  text,   // NUL-terminated; the row includes the NUL
  bytes,  // raw; shorter payloads are zero-filled
  flags,  // {u32 flags, u32 mask}
  nested, // another record, itself with presence bits
};

struct Record;

struct Field {
  const char* name;
  Kind kind;
  uint16_t attribute;   // number
  uint16_t offset;      // in the row
  uint16_t size;        // in the row
  bool replyOnly;       // only in replies of the kernel: not encoded, not merged
  const Record* record; // of a nested field
  const char* constant; // name of `attribute` in the kernel's headers
  const char* doc;
};

// Indexed by attribute number: 1 + index of the field; 0: no field.
using Slots = std::array<uint8_t, 64>;

constexpr Slots slotsOf(std::span<const Field> fields) {
  Slots slots{};
  for (size_t i = 0; i < fields.size(); ++i) {
    slots.at(fields[i].attribute) = static_cast<uint8_t>(i + 1);
  }
  return slots;
}

// Upper bound of the encoded size.
constexpr size_t mostEncodedOf(std::span<const Field> fields) {
  size_t most = 0;
  for (const Field& field : fields) {
    most += field.replyOnly ? 0 : sizeof(nlattr) + align4(field.size);
  }
  return most;
}

struct Record {
  const char* name;
  uint16_t size; // of the row
  // Number of the attribute in which a message nests the fields. 0: the message contains the fields directly.
  uint16_t attribute;
  std::span<const Field> fields;
  // Generated decoder (field_codec.h): decodes attributes as long as they are in table order and returns where it
  // stopped. Null for records without generated code.
  const std::byte* (*decodeInOrder)(const std::byte* begin, const std::byte* end, std::byte* row) = nullptr;
  // Generated encoder (field_codec.h): writes a row's attributes to zeroed memory and returns their end. Null for
  // records that are never encoded.
  std::byte* (*encodeInOrder)(const std::byte* row, std::byte* to) = nullptr;
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

// Compile-time check that a table fits its struct: widths match kinds, members are aligned and do not overlap, no
// attribute is listed twice, every member of the struct is in the table, at most 32 fields, size a multiple of 8.
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
  return record.size - described < 8; // the difference is padding at the end
}

inline bool has(const Record& record, const std::byte* row, const Field& field) {
  const auto bit = static_cast<uint32_t>(&field - record.fields.data());
  return (load<uint32_t>(row) >> bit & 1U) != 0;
}

// Copies a text up to its NUL. False: too long. A loop, as most texts are so short that a call would cost more.
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

// Decodes one payload to `to`. False: wrong length for the kind.
[[nodiscard]] bool decodeField(const Field& field, Bytes payload, std::byte* to);

// Zeroes the row and decodes a list of attributes into it. Unknown attributes are skipped (newer kernels). Returns the
// path ("service.netmask") of a known attribute with the wrong length.
[[nodiscard]] std::optional<std::string> decode(const Record& record, Bytes attributes, std::byte* row);

// Appends the present fields of a row in table order, without reply-only fields. Requires `record.encodeInOrder`.
void encode(const Record& record, const std::byte* row, Writer& writer);

// encode(), nested in the record's attribute.
void encodeNested(const Record& record, const std::byte* row, Writer& writer);

// Fills absent fields of `row` from `base`: turns a patch into the full record that the kernel requires.
void merge(const Record& record, std::byte* row, const std::byte* base);

// True if merge() would have nothing to fill in.
[[nodiscard]] bool isComplete(const Record& record, const std::byte* row);

// True if every field present in `wanted` has the same value in `actual`.
[[nodiscard]] bool matches(const Record& record, const std::byte* wanted, const std::byte* actual);

// The path ("service.netmask") of the attribute at `offset` from the start of `attributes`, as in extended ACKs; empty
// if no attribute is there.
[[nodiscard]] std::string locate(std::span<const Record* const> top, Bytes attributes, size_t offset);

// Annotated hex, one attribute per line: the debug dump and the format of the golden files.
[[nodiscard]] std::string describe(std::span<const Record* const> top, Bytes attributes);

} // namespace netlink
