// Encodes rows into requests: batches of addService and addDestination, as a session sends them.
#include "subject.h"

#include "ipvs/commands.h"
#include "netlink/batch.h"
#include "netlink/family.h"

#include <algorithm>
#include <initializer_list>

namespace bench {
namespace {

constexpr size_t rowCount = 256;
constexpr size_t perBatch = 128;
constexpr uint16_t family = 0x20;

template <typename Row> const std::byte* bytesOf(const Row& row) { return reinterpret_cast<const std::byte*>(&row); }

// Sets the presence bits of the named fields.
template <typename Row>
void markPresent(const netlink::Record& record, Row& row, std::initializer_list<const char*> wanted) {
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const std::string name = record.fields[i].name;
    if (std::ranges::any_of(wanted, [&name](const char* each) { return name == each; })) {
      row.present |= 1U << i;
    }
  }
}

ipvs::Service serviceRow(size_t index) {
  ipvs::Service row{};
  row.family = 2;
  row.protocol = 6;
  row.port = 80;
  netlink::store(row.address, netlink::networkOrder(0x0a400000U + static_cast<uint32_t>(index)));
  std::memcpy(row.scheduler, "wlc", 4);
  row.flags = {0, ~0U};
  netlink::store(row.netmask, ~0U);
  markPresent(ipvs::serviceRecord, row,
              {"family", "protocol", "address", "port", "scheduler", "flags", "timeout", "netmask"});
  return row;
}

ipvs::Destination destinationRow(size_t index) {
  ipvs::Destination row{};
  row.family = 2;
  row.port = 8080;
  row.weight = 1;
  netlink::store(row.address, netlink::networkOrder(0x0a800000U + static_cast<uint32_t>(index)));
  markPresent(ipvs::destinationRecord, row,
              {"family", "address", "port", "forwarding", "weight", "upperThreshold", "lowerThreshold"});
  return row;
}

// The service key of a destination's request.
ipvs::Service keyRow(size_t index) {
  ipvs::Service row = serviceRow(index);
  row.present = 0;
  markPresent(ipvs::serviceRecord, row, {"family", "protocol", "address", "port"});
  return row;
}

template <typename Compose> size_t encode(size_t items, const Compose& compose) {
  netlink::Batch batch;
  size_t sum = 0;
  for (size_t done = 0; done < items;) {
    batch.reset(static_cast<uint32_t>(done));
    const size_t end = std::min(items, done + perBatch);
    for (; done < end; ++done) {
      compose(batch, done % rowCount);
      batch.end();
    }
    batch.acknowledge();
    sum += batch.bytes().size();
  }
  return sum;
}

} // namespace

size_t encodeServices(size_t items) {
  std::vector<ipvs::Service> rows;
  for (size_t i = 0; i < rowCount; ++i) {
    rows.push_back(serviceRow(i));
  }
  return encode(items, [&rows](netlink::Batch& batch, size_t index) {
    netlink::Writer writer = netlink::beginGeneric(batch, family, IPVS_CMD_NEW_SERVICE, 0);
    netlink::encodeNested(ipvs::serviceRecord, bytesOf(rows[index]), writer);
  });
}

size_t encodeDestinations(size_t items) {
  std::vector<ipvs::Service> keys;
  std::vector<ipvs::Destination> rows;
  for (size_t i = 0; i < rowCount; ++i) {
    keys.push_back(keyRow(i));
    rows.push_back(destinationRow(i));
  }
  return encode(items, [&](netlink::Batch& batch, size_t index) {
    netlink::Writer writer = netlink::beginGeneric(batch, family, IPVS_CMD_NEW_DEST, 0);
    netlink::encodeNested(ipvs::serviceRecord, bytesOf(keys[index]), writer);
    netlink::encodeNested(ipvs::destinationRecord, bytesOf(rows[index]), writer);
  });
}

} // namespace bench
