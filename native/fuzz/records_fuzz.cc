// libFuzzer: attributes of a record are refused, or become a row that is the same after encoding and decoding it. The
// first byte chooses the record.
#include "ipvs/schema.h"

#include <array>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::array records{&ipvs::serviceRecord, &ipvs::destinationRecord, &ipvs::infoRecord, &ipvs::timeoutsRecord,
                             &ipvs::daemonRecord};

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// decode(encode(row)) equals the row, except for reply-only fields.
void checkRoundTrip(const netlink::Record& record, const std::vector<std::byte>& row) {
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  netlink::encode(record, row.data(), writer);
  check(attributes.size() <= record.mostEncoded);
  std::vector<std::byte> again(record.size);
  check(!netlink::decode(record, attributes, again.data()));
  check(netlink::matches(record, again.data(), row.data()));
  netlink::merge(record, again.data(), row.data());
  for (const netlink::Field& field : record.fields) {
    check(field.replyOnly || netlink::has(record, again.data(), field) == netlink::has(record, row.data(), field));
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const netlink::Record& record = *records[data[0] % records.size()];
  const netlink::Bytes attributes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const std::array top{&record};
  (void)netlink::describe(top, attributes);
  (void)netlink::locate(top, attributes, data[0]);
  std::vector<std::byte> row(record.size);
  if (netlink::decode(record, attributes, row.data()) || record.encodeInOrder == nullptr) {
    return 0;
  }
  checkRoundTrip(record, row);
  return 0;
}
