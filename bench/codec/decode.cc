// Decodes dumps into rows: a message of a real kernel, repeated in datagrams of the kernel's size.
#include "subject.h"

#include "ipvs/schema.h"
#include "netlink/family.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace bench {
namespace {

constexpr size_t datagramSize = 32768;
constexpr size_t rowsKept = 1000; // reused, so that memory does not grow with the items

// Repeats the message until the datagram has the kernel's size.
std::vector<std::byte> datagramOf(const std::vector<std::byte>& message, size_t& count) {
  std::vector<std::byte> datagram;
  for (count = 0; datagram.size() + message.size() <= datagramSize; ++count) {
    datagram.insert(datagram.end(), message.begin(), message.end());
  }
  return datagram;
}

bool decodeRow(const netlink::Record& record, const netlink::Message& message, std::byte* row) {
  uint8_t command = 0;
  netlink::Bytes attributes;
  if (!netlink::genericAttributes(message, command, attributes)) {
    return false;
  }
  netlink::AttributeReader reader(attributes);
  netlink::Attribute attribute;
  while (reader.next(attribute)) {
    if (attribute.type == record.attribute) {
      return !netlink::decode(record, attribute.payload, row);
    }
  }
  return false;
}

size_t decode(size_t items, const netlink::Record& record, const char* name) {
  size_t perDatagram = 0;
  const std::vector<std::byte> datagram = datagramOf(golden(name), perDatagram);
  std::vector<std::byte> rows(rowsKept * record.size);
  size_t sum = 0;
  for (size_t done = 0; done < items;) {
    netlink::MessageReader reader(datagram);
    netlink::Message message;
    for (; done < items && reader.next(message); ++done) {
      std::byte* row = rows.data() + done % rowsKept * record.size;
      if (!decodeRow(record, message, row)) {
        std::fprintf(stderr, "codec: cannot decode %s\n", name);
        std::exit(1);
      }
      sum += netlink::load<uint32_t>(row);
    }
  }
  return sum;
}

} // namespace

size_t decodeServices(size_t items) { return decode(items, ipvs::serviceRecord, "list-service-tcp"); }
size_t decodeDestinations(size_t items) { return decode(items, ipvs::destinationRecord, "list-destination-direct"); }

} // namespace bench
