// libFuzzer: a rule in one of our chains is refused, with words, or becomes a row that says the same when it is written
// and read again. The input is the attributes of a rule.
#include "nftables/rules.h"

#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// The rule as it is sent, read as if the kernel told it.
nftables::Element again(const nftables::Element& row, nftables::Place place) {
  netlink::Batch batch;
  batch.reset(1);
  nftables::appendRule(batch, "ipvs", row);
  netlink::MessageReader reader(batch.bytes());
  netlink::Message message;
  check(reader.next(message));
  const netlink::Bytes body = message.payload.subspan(sizeof(nfgenmsg));
  std::vector<std::byte> attributes(body.begin(), body.end());
  netlink::Writer(attributes).valueBigEndian(NFTA_RULE_HANDLE, row.handle); // the kernel gives it
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
    row.packets = 1; // a counter is sent without numbers when it is 0, and the kernel always tells them
  }
  const nftables::Element other = again(row, place);
  check(std::memcmp(&row, &other, sizeof row) == 0);
  return 0;
}
