// What a batch does behind a failure.
#include "session_script.h"

using namespace script; // NOLINT

TEST_CASE("a batch ends with the chunk in which something failed that is not about one item") {
  std::atomic<int> chunks = 0;
  int error = EPERM;
  fake::Kernel kernel(withFamily([&](const Requests& requests) {
    std::vector<Datagram> out;
    if (++chunks == 2) {
      out.push_back(Answer().error(requests[5].header, error).take());
    }
    out.push_back(Answer().ack(requests.back().header).take());
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
    CHECK(failures[1].index == 256); // the others of the chunk were carried out
    CHECK(failures[1].rest);
    CHECK(failures[1].status.error == EPERM);
  }
  SUBCASE("it goes on, for it was about one item") {
    error = ENOMEM;
    CHECK(session.execute(items, Control::within(5s), ipvs::OnFailure::end).size() == 1);
    CHECK(chunks == 4);
  }
  SUBCASE("it goes on, for the items have nothing to do with each other") {
    CHECK(session.execute(items, Control::within(5s)).size() == 1);
    CHECK(chunks == 4);
  }
}
