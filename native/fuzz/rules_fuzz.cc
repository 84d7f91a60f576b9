// libFuzzer: a rule in one of our chains is refused, or becomes a row that is the same after writing and reading it.
// The input is the attributes of a rule.
#include "nftables/rules.h"

#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// Writes the row as a rule and reads it as if the kernel had sent it.
nftables::Element again(const nftables::Element& row, nftables::Place place) {
  netlink::Batch batch;
  batch.reset(1);
  nftables::appendRule(batch, "ipvs", row);
  netlink::MessageReader reader(batch.bytes());
  netlink::Message message;
  check(reader.next(message));
  const netlink::Bytes body = message.payload.subspan(sizeof(nfgenmsg));
  std::vector<std::byte> attributes(body.begin(), body.end());
  netlink::Writer(attributes).valueBigEndian(NFTA_RULE_HANDLE, row.handle); // assigned by the kernel
  nftables::Place found{};
  check(nftables::isRow(attributes, found) && found == place);
  nftables::Element element{};
  std::string problem;
  check(nftables::readRule(attributes, place, element, problem));
  return element;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const netlink::Bytes attributes(reinterpret_cast<const std::byte*>(data), size);
  nftables::Place place{};
  if (!nftables::isRow(attributes, place)) {
    return 0;
  }
  nftables::Element row{};
  std::string problem;
  if (!nftables::readRule(attributes, place, row, problem)) {
    return 0;
  }
  if (row.counter != 0 && row.packets == 0) {
    row.packets = 1; // we send a zero counter without numbers; the kernel always sends numbers
  }
  const nftables::Element other = again(row, place);
  check(std::memcmp(&row, &other, sizeof row) == 0);
  return 0;
}
