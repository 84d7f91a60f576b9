#include "netlink/record.h"

#include <algorithm>

namespace netlink {
namespace {

void markPresent(const Record& record, std::byte* row, const Field& field) {
  const auto bit = static_cast<uint32_t>(&field - record.fields.data());
  store(row, load<uint32_t>(row) | 1U << bit);
}

// Constant sizes instead of memcpy(size): the call would dominate the time of decoding.
void copyNumber(std::byte* to, const std::byte* from, size_t size) {
  switch (size) {
  case 1:
    *to = *from;
    return;
  case 2:
    store(to, load<uint16_t>(from));
    return;
  case 4:
    store(to, load<uint32_t>(from));
    return;
  default:
    store(to, load<uint64_t>(from));
  }
}

// decode() into a row of zeros.
std::optional<std::string> decodeInto(const Record& record, Bytes attributes, std::byte* row) {
  const std::byte* rest = attributes.data();
  const std::byte* const end = rest + attributes.size();
  if (record.decodeInOrder != nullptr) {
    rest = record.decodeInOrder(rest, end, row);
  }
  AttributeReader reader(Bytes(rest, end));
  Attribute attribute;
  while (reader.next(attribute)) {
    const Field* field = record.find(attribute.type);
    if (field == nullptr) {
      continue;
    }
    std::byte* const to = row + field->offset;
    if (has(record, row, *field)) { // repeated attribute: the last one counts
      std::memset(to, 0, field->size);
    }
    if (field->kind == Kind::nested) {
      if (const auto inner = decodeInto(*field->record, attribute.payload, to)) {
        return std::string(field->name) + "." + *inner;
      }
    } else if (!decodeField(*field, attribute.payload, to)) {
      return field->name;
    }
    markPresent(record, row, *field);
  }
  if (reader.malformed()) {
    return record.name;
  }
  return std::nullopt;
}

} // namespace

bool decodeField(const Field& field, Bytes payload, std::byte* to) {
  switch (field.kind) {
  case Kind::u8:
  case Kind::u16:
  case Kind::u32:
  case Kind::u64:
    if (payload.size() != field.size) {
      return false;
    }
    copyNumber(to, payload.data(), field.size);
    return true;
  case Kind::be16:
    if (payload.size() != field.size) {
      return false;
    }
    store(to, networkOrder(load<uint16_t>(payload.data())));
    return true;
  case Kind::text:
    return copyText(payload, to, field.size);
  case Kind::bytes:
  case Kind::flags:
    if (payload.size() > field.size) {
      return false;
    }
    if (!payload.empty()) {
      std::memcpy(to, payload.data(), payload.size());
    }
    return true;
  case Kind::nested:
    return true; // decoded by decodeInto()
  }
  return false;
}

std::optional<std::string> decode(const Record& record, Bytes attributes, std::byte* row) {
  std::memset(row, 0, record.size);
  return decodeInto(record, attributes, row);
}

void encode(const Record& record, const std::byte* row, Writer& writer) {
  std::byte* const start = writer.claim(record.mostEncoded);
  writer.shrink(record.mostEncoded - static_cast<size_t>(record.encodeInOrder(row, start) - start));
}

void encodeNested(const Record& record, const std::byte* row, Writer& writer) {
  if (record.attribute == 0) {
    encode(record, row, writer);
    return;
  }
  const size_t most = sizeof(nlattr) + record.mostEncoded;
  std::byte* const start =
      writer.claim(most); // once per record: a claim costs as much as encoding all numbers of a row
  const auto size = static_cast<size_t>(record.encodeInOrder(row, start + sizeof(nlattr)) - start);
  store(start, nlattr{static_cast<uint16_t>(size), static_cast<uint16_t>(record.attribute | NLA_F_NESTED)});
  writer.shrink(most - size);
}

void merge(const Record& record, std::byte* row, const std::byte* base) {
  for (const Field& field : record.fields) {
    if (!field.replyOnly && !has(record, row, field) && has(record, base, field)) {
      std::memcpy(row + field.offset, base + field.offset, field.size);
      markPresent(record, row, field);
    }
  }
}

bool isComplete(const Record& record, const std::byte* row) {
  return std::ranges::all_of(record.fields,
                             [&](const Field& field) { return field.replyOnly || has(record, row, field); });
}

bool matches(const Record& record, const std::byte* wanted, const std::byte* actual) {
  for (const Field& field : record.fields) {
    if (!has(record, wanted, field) || field.replyOnly) {
      continue;
    }
    const std::byte* left = wanted + field.offset;
    const std::byte* right = actual + field.offset;
    if (field.kind == Kind::flags) {
      const auto mask = load<uint32_t>(left + sizeof(uint32_t));
      if (((load<uint32_t>(left) ^ load<uint32_t>(right)) & mask) != 0) {
        return false;
      }
    } else if (std::memcmp(left, right, field.size) != 0) {
      return false; // a field that is absent in `actual` is zero there: absent text equals empty text
    }
  }
  return true;
}

} // namespace netlink
