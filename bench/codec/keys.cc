// Costs of a listing in addition to decoding: finding repeated rows, and comparing passes.
#include "subject.h"

#include "ipvs/keys.h"

#include <algorithm>

namespace bench {
namespace {

constexpr size_t rowCount = 10'000;

ipvs::Rows services() {
  ipvs::Rows rows;
  for (uint32_t i = 0; i < rowCount; ++i) {
    ipvs::Service row{};
    row.family = 2;
    row.protocol = 6;
    row.port = 80;
    netlink::store(row.address, netlink::networkOrder(0x0a400000U + i * 2654435761U % (1U << 20)));
    std::memcpy(rows.append(sizeof row), &row, sizeof row);
  }
  return rows;
}

} // namespace

size_t findRepeated(size_t items) {
  ipvs::Rows rows = services();
  size_t sum = 0;
  for (size_t done = 0; done < items; done += rowCount) {
    sum += ipvs::removeRepeated(ipvs::serviceRecord, rows, 0) ? 1 : 0;
  }
  return sum;
}

size_t sumKeys(size_t items) {
  const ipvs::Rows rows = services();
  size_t sum = 0;
  for (size_t done = 0; done < items; done += rowCount) {
    sum += ipvs::sumOf(ipvs::serviceRecord, rows) == ipvs::KeySum() ? 1 : 0;
  }
  return sum;
}

} // namespace bench
