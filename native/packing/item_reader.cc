#include "packing/item_reader.h"

#include <algorithm>

namespace ipvs {
namespace {

using Kind = Cloned::Kind;

constexpr std::array<std::string_view, 4> itemNames{"operation", "service", "destination", "patch"};

template <size_t Count> using Names = std::array<std::string_view, Count>;

// Index of a key in `names`; Count: not found. Checks `expected` first, as most objects have our order of fields.
template <size_t Count> size_t indexOf(const Names<Count>& names, const Cloned& key, size_t expected) {
  if (key.kind != Kind::text) {
    return Count;
  }
  const std::string_view name = key.text();
  if (expected < Count && names[expected] == name) {
    return expected;
  }
  return static_cast<size_t>(std::ranges::find(names, name) - names.begin());
}

// Reads the fields of an object or of a reference to an earlier one. `persistence`: for the fields of this member of a
// service. False: invalid input.
template <size_t Count>
bool readFields(CloneReader& reader, const Cloned& value, const Names<Count>& names, Fields<Count>& fields,
                PersistenceFields* persistence = nullptr);

// Reads the fields of an object after its start tag.
template <size_t Count>
bool readObject(CloneReader& reader, const Names<Count>& names, Fields<Count>& fields, PersistenceFields* persistence) {
  for (size_t expected = 0;;) {
    const Cloned key = reader.next();
    if (key.kind == Kind::end) {
      return true;
    }
    const Cloned value = reader.next();
    if (key.kind == Kind::broken || value.kind == Kind::end) {
      return false;
    }
    const size_t index = indexOf(names, key, expected);
    if (index == Count) {
      fields.unusual = true;
    } else {
      fields.set(index, value);
      expected = index + 1;
    }
    const bool inner = persistence != nullptr && index == service::persistence;
    if (inner ? !readFields(reader, value, persistence::names, *persistence) : !reader.skip(value)) {
      return false;
    }
  }
}

template <size_t Count>
bool readFields(CloneReader& reader, const Cloned& value, const Names<Count>& names, Fields<Count>& fields,
                PersistenceFields* persistence) {
  if (value.kind == Kind::undefined) {
    return true;
  }
  fields.named = true;
  if (value.kind == Kind::object) {
    return readObject(reader, names, fields, persistence);
  }
  auto there = reader.at(value);
  if (there && readObject(*there, names, fields, persistence)) {
    return true;
  }
  fields.unusual = true;
  return value.kind != Kind::end && reader.skip(value);
}

} // namespace

bool readItem(CloneReader& reader, ItemFields& item) {
  item.unusual = false;
  item.operation = undefinedValue;
  item.service.clear();
  item.persistence.clear();
  item.destination.clear();
  item.patch.clear();
  const Cloned start = reader.next();
  if (start.kind != Kind::object) {
    item.unusual = true;
    return start.kind != Kind::end && reader.skip(start);
  }
  for (size_t expected = 0;; ++expected) {
    const Cloned key = reader.next();
    if (key.kind == Kind::end) {
      return true;
    }
    bool whole = false;
    switch (indexOf(itemNames, key, expected)) {
    case 0:
      item.operation = reader.next();
      whole = item.operation.kind != Kind::end && reader.skip(item.operation);
      break;
    case 1:
      whole = readFields(reader, reader.next(), service::names, item.service, &item.persistence);
      break;
    case 2:
      whole = readFields(reader, reader.next(), destination::names, item.destination);
      break;
    case 3:
      whole = readFields(reader, reader.next(), destination::names, item.patch);
      break;
    default: {
      item.unusual = true;
      const Cloned value = reader.next();
      whole = key.kind != Kind::broken && value.kind != Kind::end && reader.skip(value);
    }
    }
    if (!whole) {
      return false;
    }
  }
}

} // namespace ipvs
