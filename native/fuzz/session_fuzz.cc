// libFuzzer: for any replies of the kernel, a read ends with complete rows or a failure, and every write ends as
// applied, refused or unknown. The first byte chooses the call, the rest is the script (scripted_kernel.h).
#include "ipvs/session.h"
#include "scripted_kernel.h"

#include <sys/socket.h>

#include <array>

namespace {

using ipvs::Operation;
using scripted::check;

ipvs::Service service(uint32_t mark) {
  ipvs::Service row{};
  row.family = AF_INET;
  row.fwmark = mark;
  for (size_t i = 0; i < std::size(ipvs::serviceFields); ++i) {
    const size_t offset = ipvs::serviceFields[i].offset;
    const bool named = offset == offsetof(ipvs::Service, family) || offset == offsetof(ipvs::Service, fwmark);
    row.present |= named ? 1U << i : 0U;
  }
  return row;
}

ipvs::Destination destination(uint32_t weight) {
  ipvs::Destination row{};
  row.family = AF_INET;
  row.address[0] = std::byte{10};
  row.weight = weight;
  for (size_t i = 0; i < std::size(ipvs::destinationFields); ++i) {
    const size_t offset = ipvs::destinationFields[i].offset;
    const bool named = offset == offsetof(ipvs::Destination, family) ||
                       offset == offsetof(ipvs::Destination, address) || offset == offsetof(ipvs::Destination, weight);
    row.present |= named ? 1U << i : 0U;
  }
  return row;
}

template <typename Row> const std::byte* bytesOf(const Row& row) { return reinterpret_cast<const std::byte*>(&row); }

void read(ipvs::Session& session, Operation operation, bool consistent) {
  const ipvs::Service key = service(7);
  ipvs::Rows rows;
  const ipvs::Failure failure = session.read(operation, bytesOf(key), consistent, scripted::control(), rows);
  if (failure.status.ok()) {
    const size_t size = ipvs::commandOf(operation).reply->size;
    check(rows.size() % size == 0);
    check(ipvs::commandOf(operation).form == ipvs::Form::dump || rows.size() == size);
  }
}

void snapshot(ipvs::Session& session, bool consistent) {
  ipvs::Session::Snapshot found;
  if (!session.snapshot(consistent, scripted::control(), found).status.ok()) {
    return;
  }
  size_t destinations = 0;
  for (const uint32_t count : found.counts) {
    destinations += count;
  }
  check(found.services.size() == found.counts.size() * sizeof(ipvs::Service));
  check(found.destinations.size() == destinations * sizeof(ipvs::Destination));
}

void write(ipvs::Session& session, ipvs::OnFailure onFailure) {
  const ipvs::Service key = service(7);
  const ipvs::Destination patch = destination(3);
  const std::array items{
      ipvs::Item{Operation::addService, bytesOf(key)},
      ipvs::Item{Operation::addDestination, bytesOf(key), bytesOf(patch)},
      ipvs::Item{Operation::updateDestination, bytesOf(key), bytesOf(patch)},
      ipvs::Item{Operation::updateService, bytesOf(key)},
      ipvs::Item{Operation::removeService, bytesOf(key)},
      ipvs::Item{Operation::flush},
  };
  const std::vector<ipvs::Failure> failures = session.execute(items, scripted::control(), onFailure);
  for (size_t i = 0; i < failures.size(); ++i) {
    check(failures[i].index < items.size());
    check(i == 0 || failures[i - 1].index < failures[i].index);
    check(!failures[i].status.ok());
    check(!failures[i].unknown || failures[i].status.kind != netlink::FailureKind::rejected);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  constexpr std::array reads{Operation::listServices,    Operation::listDestinations, Operation::getService,
                             Operation::listSyncDaemons, Operation::getTimeouts,      Operation::info};
  scripted::load({reinterpret_cast<const std::byte*>(data) + 1, size - 1}, scripted::Lookups::answered);
  ipvs::Session session(scripted::connector());
  const bool odd = data[0] >= 0x80;
  const size_t call = data[0] % (reads.size() + 2);
  if (call < reads.size()) {
    read(session, reads[call], odd);
  } else if (call == reads.size()) {
    snapshot(session, odd);
  } else {
    write(session, odd ? ipvs::OnFailure::stop : ipvs::OnFailure::goOn);
  }
  return 0;
}
