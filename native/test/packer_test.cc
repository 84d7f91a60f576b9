// Items in V8's serialization format; cut or damaged input is never read past its end. test/codec/item-packer.test.ts
// compares the rows with the ones that lib/ makes.
#include "ipvs/commands.h"
#include "packing/packer.h"
#include "packing/v8_value.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using Kind = ipvs::Cloned::Kind;

std::string text(std::string_view value) {
  return '"' + std::string(1, static_cast<char>(value.size())) + std::string(value);
}

std::string number(uint8_t value) { return 'I' + std::string(1, static_cast<char>(value << 1)); } // up to 63

// `fields`: keys and values in turn.
std::string object(const std::string& fields) { return "o" + fields + '{' + '\x01'; }

std::string list(const std::string& elements, char length) {
  return std::string("A") + length + elements + '$' + '\0' + length;
}

std::string written(const std::string& value) { return "\xff\x0f" + value; }

std::span<const std::byte> bytesOf(const std::string& bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
}

const std::string service = object(text("fwmark") + number(7));
const std::string adding = object(text("operation") + text("addService") + text("service") + service);
const std::string server = object(text("address") + text("10.0.0.7") + text("weight") + number(5));
const std::string addingServer =
    object(text("operation") + text("addDestination") + text("service") + service + text("destination") + server);

// Buffers without slack, so that ASan detects every access out of bounds.
struct Block {
  explicit Block(size_t count) : triples(count), services(count), destinations(count) {}

  ipvs::PlainItems pack(const std::string& bytes) {
    ipvs::PlainItems items{triples, services, destinations};
    const std::vector<std::byte> exact(bytesOf(bytes).begin(), bytesOf(bytes).end());
    ipvs::packItems(exact, items);
    return items;
  }

  std::vector<ipvs::Triple> triples;
  std::vector<ipvs::Service> services;
  std::vector<ipvs::Destination> destinations;
};

} // namespace

TEST_CASE("items become rows") {
  Block block(2);
  const ipvs::PlainItems items = block.pack(written(list(adding + addingServer, 2)));
  CHECK(items.unusual == 0);
  CHECK(items.serviceCount == 2); // the second is a key only
  CHECK(items.destinationCount == 1);
  CHECK(block.triples[0] == ipvs::Triple{static_cast<uint32_t>(ipvs::Operation::addService), 0, 0});
  CHECK(block.triples[1] == ipvs::Triple{static_cast<uint32_t>(ipvs::Operation::addDestination), 1, 0});
  CHECK(block.services[0].fwmark == 7);
  CHECK(std::string(block.services[0].scheduler) == "wlc");
  CHECK(block.destinations[0].weight == 5);
  CHECK(block.destinations[0].address[0] == std::byte{10});
}

TEST_CASE("a reference is replaced by the earlier object") {
  const auto referring = [](char id) {
    return object(text("operation") + text("removeService") + text("service") + '^' + id);
  };
  // 0 is the list, 1 the first item, 2 its service, 3 the second item itself
  for (const char id : std::string_view("\x00\x01\x03\x04", 4)) {
    Block block(2);
    CHECK(block.pack(written(list(adding + referring(id), 2))).unusual == 1);
  }
  Block block(2);
  CHECK(block.pack(written(list(adding + referring(2), 2))).unusual == 0);
  CHECK(block.services[1].fwmark == 7);
}

TEST_CASE("other versions of the format and values that are not a list are not packed") {
  for (const std::string& bytes : {std::string(), std::string("\xff"), std::string("\xff\x0e") + list(adding, 1),
                                   std::string("\xff\x10") + list(adding, 1), written(adding), list(adding, 1),
                                   written(list(adding + adding, 2))}) {
    Block block(1);
    CHECK(block.pack(bytes).unusual == 1);
    CHECK(block.triples[0].operation == ipvs::unusualItem);
  }
}

TEST_CASE("cut or damaged input is never read past its end") {
  const std::string whole = written(list(adding + addingServer + adding, 3));
  for (size_t size = 0; size < whole.size(); ++size) {
    Block block(3);
    const ipvs::PlainItems items = block.pack(whole.substr(0, size));
    CHECK(items.unusual <= 3);
    CHECK(items.serviceCount + items.unusual <= 3);
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      Block block(3);
      CHECK(block.pack(changed).serviceCount <= 3);
    }
  }
}

TEST_CASE("objects with more fields than known names") {
  std::string many;
  for (int i = 0; i < 40; ++i) {
    many += text("a" + std::to_string(i)) + number(1);
  }
  Block block(4);
  const std::string inner = object(text("operation") + text("removeService") + text("service") + object(many));
  CHECK(block.pack(written(list(adding + object(many) + inner + adding, 4))).unusual == 2);
}

TEST_CASE("the depth of nested objects is limited") {
  const auto deep = [](size_t depth) {
    std::string bytes;
    for (size_t i = 0; i < depth; ++i) {
      bytes += "o" + text("a");
    }
    bytes += "_";
    for (size_t i = 0; i < depth; ++i) {
      bytes += "{\x01";
    }
    return bytes;
  };
  for (const size_t depth : {10U, 31U, 32U, 33U, 100'000U}) {
    Block block(2);
    const auto removing = object(text("operation") + text("removeService") + text("service") +
                                 object(text("fwmark") + number(7) + text("statistics") + deep(depth)));
    CHECK(block.pack(written(list(removing + adding, 2))).unusual == (depth > 32 ? 2 : 0));
  }
}

TEST_CASE("values of other types are skipped") {
  const std::string values = std::string("0") + "T" + "F" + "-" + "_" + "Z\x10" + "12345678" + "c\x04" + "abcd" + '\0' +
                             "N" + std::string(8, '\x7f') + "I\x0d" + "o{" + '\0';
  const std::string bytes = written(list(values, 10));
  ipvs::CloneReader reader(bytesOf(bytes));
  CHECK(reader.open() == 10);
  for (const Kind kind : {Kind::other, Kind::boolean, Kind::boolean, Kind::other, Kind::undefined, Kind::other,
                          Kind::other, Kind::other}) {
    CHECK(reader.next().kind == kind);
  }
  const ipvs::Cloned seven = reader.next();
  CHECK(seven.kind == Kind::integer);
  CHECK(seven.number == -7);
  CHECK(reader.skip(reader.next()));
  CHECK(reader.next().kind == Kind::end);
  CHECK(reader.next().kind == Kind::broken);
}
