// Packs batch items in V8's serialization format into rows: addService and addDestination alternately.
#include "subject.h"

#include "packing/packer.h"

#include <string>

namespace bench {
namespace {

constexpr size_t perBlock = 1024;

// `value` has at most 127 characters.
std::string text(const std::string& value) { return '"' + std::string(1, static_cast<char>(value.size())) + value; }

std::string varint(uint32_t value) {
  std::string bytes;
  for (; value > 0x7f; value >>= 7) {
    bytes += static_cast<char>((value & 0x7f) | 0x80);
  }
  return bytes + static_cast<char>(value);
}

std::string number(uint32_t value) { return 'I' + varint(value << 1); }

std::string object(const std::string& fields, uint32_t count) { return 'o' + fields + '{' + varint(count); }

std::string key(size_t index) {
  return text("protocol") + text("tcp") + text("address") + text("10.64.0." + std::to_string(index % 256)) +
         text("port") + number(80);
}

std::string serviceItem(size_t index) {
  return object(text("operation") + text("addService") + text("service") +
                    object(key(index) + text("scheduler") + text("wlc"), 4),
                2);
}

std::string destinationItem(size_t index) {
  const std::string server =
      object(text("address") + text("10.128.0." + std::to_string(index % 256)) + text("port") + number(8080) +
                 text("forwarding") + text("masquerade") + text("weight") + number(1),
             4);
  return object(text("operation") + text("addDestination") + text("service") + object(key(index), 3) +
                    text("destination") + server,
                3);
}

} // namespace

size_t packPlainItems(size_t items) {
  std::string serialized = "\xff\x0f" + ('A' + varint(perBlock));
  for (size_t i = 0; i < perBlock; i += 2) {
    serialized += serviceItem(i) + destinationItem(i);
  }
  serialized += '$' + std::string(1, '\0') + varint(perBlock);
  std::vector<ipvs::Triple> triples(perBlock);
  std::vector<ipvs::Service> services(perBlock);
  std::vector<ipvs::Destination> destinations(perBlock);
  size_t sum = 0;
  for (size_t done = 0; done < items; done += perBlock) {
    ipvs::PlainItems packed{triples, services, destinations};
    ipvs::packItems({reinterpret_cast<const std::byte*>(serialized.data()), serialized.size()}, packed);
    sum += packed.serviceCount + packed.destinationCount + packed.unusual;
  }
  return sum;
}

} // namespace bench
