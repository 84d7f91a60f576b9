// Turns of patches, between threads that stand for processes: each lock has a descriptor of its own.
#include "ipvs/patch_lock.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <thread>

using namespace std::chrono_literals;
using ipvs::PatchLock;
using netlink::Cause;
using netlink::Control;

TEST_CASE("one at a time, and again at once") {
  PatchLock one;
  PatchLock two;
  REQUIRE(one.acquire(Control::within(30s)).ok());
  CHECK(one.acquire(Control::within(0s)).ok()); // it is ours
  const netlink::Status held = two.acquire(Control::within(20ms));
  CHECK(held.cause == Cause::local);
  CHECK(held.error == EBUSY);
  one.release();
  CHECK(two.acquire(Control::within(30s)).ok());
  two.release();
  two.release(); // nothing to do
}

TEST_CASE("a lock that is closed is released, and opened again when it is needed") {
  PatchLock one;
  PatchLock two;
  REQUIRE(one.acquire(Control::within(30s)).ok());
  one.close();
  CHECK(two.acquire(Control::within(30s)).ok());
  two.release();
  CHECK(one.acquire(Control::within(30s)).ok());
}

TEST_CASE("waiting ends with the caller's interest") {
  PatchLock one;
  PatchLock two;
  REQUIRE(one.acquire(Control::within(30s)).ok());
  Control control = Control::within(30s);
  int asked = 0;
  control.interrupted = [&asked](bool) { return ++asked < 3 ? Cause::none : Cause::aborted; };
  CHECK(two.acquire(control).cause == Cause::aborted);
  CHECK(asked == 3);
}

TEST_CASE("who takes turn after turn lets others have theirs") {
  PatchLock busy;
  PatchLock patient;
  std::atomic<bool> stop = false;
  std::thread thread([&] {
    while (!stop) {
      REQUIRE(busy.acquire(Control::within(30s)).ok());
      std::this_thread::sleep_for(1ms);
      busy.release();
    }
  });
  for (int i = 0; i < 3; ++i) {
    CHECK(patient.acquire(Control::within(30s)).ok());
    patient.release();
  }
  stop = true;
  thread.join();
}
