// Batches after a failure.
#include "session_script.h"

using namespace script; // NOLINT

TEST_CASE("OnFailure::end: a batch ends with the chunk of the first general failure") {
  std::atomic<int> chunks = 0;
  int error = EPERM;
  fake::Kernel kernel(withFamily([&](const Requests& requests) {
    std::vector<Datagram> out;
    if (++chunks == 2) {
      out.push_back(Reply().error(requests[5].header, error).take());
    }
    out.push_back(Reply().ack(requests.back().header).take());
    return out;
  }));
  ipvs::Session session(kernel.connector());
  std::vector<ipvs::Row> rows;
  std::vector<Item> items;
  for (uint32_t mark = 1; mark <= 500; ++mark) {
    rows.push_back(serviceRow(mark));
  }
  for (const ipvs::Row& row : rows) {
    items.push_back({Operation::addService, row.data()});
  }
  SUBCASE("it ends") {
    const auto failures = session.execute(items, Control::within(5s), ipvs::OnFailure::end);
    CHECK(chunks == 2);
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].index == 133);
    CHECK(failures[1].index == 256); // the rest of the chunk was carried out
    CHECK(failures[1].rest);
    CHECK(failures[1].status.error == EPERM);
  }
  SUBCASE("it goes on after the failure of a single item") {
    error = ENOMEM;
    CHECK(session.execute(items, Control::within(5s), ipvs::OnFailure::end).size() == 1);
    CHECK(chunks == 4);
  }
  SUBCASE("it goes on with OnFailure::goOn") {
    CHECK(session.execute(items, Control::within(5s)).size() == 1);
    CHECK(chunks == 4);
  }
}
