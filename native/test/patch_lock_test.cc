// The patch lock between threads. Each lock has its own descriptor, so threads behave like processes.
#include "ipvs/patch_lock.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <thread>

using namespace std::chrono_literals;
using ipvs::PatchLock;
using netlink::Control;
using netlink::FailureKind;

TEST_CASE("the lock is exclusive, and free after a release") {
  PatchLock one;
  PatchLock two;
  REQUIRE(one.acquire(Control::within(30s)).ok());
  CHECK(one.acquire(Control::within(0s)).ok()); // already held
  const netlink::Status held = two.acquire(Control::within(20ms));
  CHECK(held.kind == FailureKind::local);
  CHECK(held.error == EBUSY);
  one.release();
  CHECK(two.acquire(Control::within(30s)).ok());
  two.release();
  two.release(); // no-op
}

TEST_CASE("close() releases the lock, and acquire() opens it again") {
  PatchLock one;
  PatchLock two;
  REQUIRE(one.acquire(Control::within(30s)).ok());
  one.close();
  CHECK(two.acquire(Control::within(30s)).ok());
  two.release();
  CHECK(one.acquire(Control::within(30s)).ok());
}

TEST_CASE("an abort ends the wait") {
  PatchLock one;
  PatchLock two;
  REQUIRE(one.acquire(Control::within(30s)).ok());
  Control control = Control::within(30s);
  int calls = 0;
  control.interrupted = [&calls](bool) { return ++calls < 3 ? FailureKind::none : FailureKind::aborted; };
  CHECK(two.acquire(control).kind == FailureKind::aborted);
  CHECK(calls == 3);
}

TEST_CASE("a holder that acquires the lock again and again lets waiters in") {
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
