// Attributes for people: the path of one attribute, and the debug dump.
#include "netlink/record.h"

#include <cstdio>

namespace netlink {
namespace {

const Record* findTop(std::span<const Record* const> top, uint16_t type) {
  for (const Record* record : top) {
    if (record->attribute == type) {
      return record;
    }
  }
  return nullptr;
}

// A field of a record with top-level attributes.
const Field* findFlat(std::span<const Record* const> top, uint16_t type) {
  for (const Record* record : top) {
    const Field* field = record->attribute == 0 ? record->find(type) : nullptr;
    if (field != nullptr) {
      return field;
    }
  }
  return nullptr;
}

std::string locateIn(const Record& record, Bytes attributes, size_t offset, const std::string& prefix) {
  AttributeReader reader(attributes);
  Attribute attribute;
  while (reader.next(attribute)) {
    const size_t start = attribute.offset;
    if (offset < start || offset >= start + sizeof(nlattr) + attribute.payload.size()) {
      continue;
    }
    const Field* field = record.find(attribute.type);
    if (field == nullptr) {
      return prefix;
    }
    std::string path = prefix.empty() ? field->name : prefix + "." + field->name;
    if (field->kind != Kind::nested || offset < start + sizeof(nlattr)) {
      return path;
    }
    return locateIn(*field->record, attribute.payload, offset - start - sizeof(nlattr), path);
  }
  return prefix;
}

void appendHex(std::string& out, Bytes bytes) {
  char text[4];
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::snprintf(text, sizeof text, i == 0 ? "%02x" : " %02x", static_cast<unsigned>(bytes[i]));
    out += text;
  }
}

std::string valueText(const Field& field, Bytes payload) {
  std::byte row[64] = {};
  if (field.kind == Kind::bytes || field.size > sizeof row || !decodeField(field, payload, row)) {
    return {};
  }
  switch (field.kind) {
  case Kind::u8:
    return std::to_string(load<uint8_t>(row));
  case Kind::u16:
  case Kind::be16:
    return std::to_string(load<uint16_t>(row));
  case Kind::u32:
    return std::to_string(load<uint32_t>(row));
  case Kind::u64:
    return std::to_string(load<uint64_t>(row));
  case Kind::text:
    return std::string("\"") + reinterpret_cast<const char*>(row) + "\"";
  case Kind::flags: {
    char text[32];
    std::snprintf(text, sizeof text, "0x%x/0x%x", load<uint32_t>(row), load<uint32_t>(row + 4));
    return text;
  }
  default:
    return {};
  }
}

void describeLine(std::string& out, Bytes bytes, size_t depth, const std::string& note) {
  std::string hex;
  appendHex(hex, bytes);
  out.append(depth * 2, ' ');
  out += hex;
  if (!note.empty()) {
    out += "  # " + note;
  }
  out += '\n';
}

void describeList(std::span<const Record* const> top, const Record* record, Bytes attributes, size_t depth,
                  std::string& out) {
  AttributeReader reader(attributes);
  Attribute attribute;
  while (reader.next(attribute)) {
    const Bytes header = attributes.subspan(attribute.offset, sizeof(nlattr));
    const Record* inner = record == nullptr ? findTop(top, attribute.type) : nullptr;
    const Field* field = record != nullptr ? record->find(attribute.type) : nullptr;
    if (record == nullptr && inner == nullptr) {
      field = findFlat(top, attribute.type);
    }
    std::string name = "attribute " + std::to_string(attribute.type);
    if (field != nullptr) {
      name = std::string(field->name) + " (" + field->constant + ")";
      inner = field->record;
    } else if (inner != nullptr) {
      name = inner->name;
    }
    describeLine(out, header, depth, name);
    if (inner != nullptr) {
      describeList({}, inner, attribute.payload, depth + 1, out);
    } else if (!attribute.payload.empty()) {
      const size_t padded = align4(attribute.payload.size());
      const size_t start = attribute.offset + sizeof(nlattr);
      const size_t end = start + padded <= attributes.size() ? start + padded : attributes.size();
      describeLine(out, attributes.subspan(start, end - start), depth + 1,
                   field != nullptr ? valueText(*field, attribute.payload) : std::string());
    }
  }
  if (reader.malformed()) {
    out.append(depth * 2, ' ');
    out += "# malformed from here\n";
  }
}

} // namespace

std::string locate(std::span<const Record* const> top, Bytes attributes, size_t offset) {
  AttributeReader reader(attributes);
  Attribute attribute;
  while (reader.next(attribute)) {
    const size_t body = attribute.offset + sizeof(nlattr);
    if (offset < attribute.offset || offset >= body + attribute.payload.size()) {
      continue;
    }
    const Record* record = findTop(top, attribute.type);
    if (record == nullptr) {
      for (const Record* flat : top) { // records with top-level attributes
        if (flat->attribute == 0) {
          return locateIn(*flat, attributes, offset, {});
        }
      }
      return {};
    }
    return offset < body ? record->name : locateIn(*record, attribute.payload, offset - body, record->name);
  }
  return {};
}

std::string describe(std::span<const Record* const> top, Bytes attributes) {
  std::string out;
  describeList(top, nullptr, attributes, 0, out);
  return out;
}

} // namespace netlink
