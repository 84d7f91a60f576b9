// Growing buffers keep their content.
#include "netlink/buffer.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace {

using netlink::Buffer;

void fill(Buffer& buffer, size_t numbers) {
  for (size_t i = 0; i < numbers; ++i) {
    netlink::store(buffer.append(sizeof i), i);
  }
}

bool holds(const Buffer& buffer, size_t numbers) {
  bool same = buffer.size() == numbers * sizeof(size_t);
  for (size_t i = 0; same && i < numbers; ++i) {
    same = netlink::load<size_t>(buffer.data() + i * sizeof i) == i;
  }
  return same;
}

// VmRSS or VmHWM of this process, in bytes.
[[maybe_unused]] size_t resident(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    if (size_t kilobytes = 0; name == field + ":" && status >> kilobytes) {
      return kilobytes * 1024;
    }
  }
  FAIL("no " << field);
  return 0;
}

} // namespace

TEST_CASE("a buffer keeps its content while it grows from a few bytes to many pages") {
  Buffer buffer;
  CHECK(buffer.empty());
  fill(buffer, 1'000'000);
  CHECK(holds(buffer, 1'000'000));
}

TEST_CASE("after fit() a buffer has its content and can grow again") {
  for (const size_t numbers : {0, 1, 1000, 8192, 100'000}) { // from 8192 on the buffer is mmap()ed
    Buffer buffer;
    fill(buffer, numbers);
    buffer.fit();
    CHECK(holds(buffer, numbers));
    netlink::store(buffer.append(sizeof numbers), numbers);
    CHECK(holds(buffer, numbers + 1));
  }
}

TEST_CASE("a long buffer can become a short one") {
  Buffer buffer;
  fill(buffer, 100'000);
  buffer.truncate(10 * sizeof(size_t));
  buffer.fit();
  CHECK(holds(buffer, 10));
  buffer.truncate(100); // never lengthens
  CHECK(buffer.size() == 10 * sizeof(size_t));
  buffer.truncate(0);
  buffer.fit();
  CHECK(buffer.data() == nullptr);
}

TEST_CASE("a buffer can be moved, and copies the bytes that it is constructed from") {
  Buffer first;
  fill(first, 10);
  const Buffer second(netlink::Bytes(first.data(), first.size()));
  Buffer third(std::move(first));
  CHECK(holds(second, 10));
  CHECK(holds(third, 10));
  third = Buffer();
  CHECK(third.empty());
}

#ifndef __SANITIZE_THREAD__ // its shadow memory grows with the buffer
TEST_CASE("growth needs no more memory than the content") {
  constexpr size_t size = size_t{100} << 20;
  std::ofstream("/proc/self/clear_refs") << '5'; // resets VmHWM
  const size_t before = resident("VmRSS");
  Buffer buffer;
  for (size_t done = 0; done < size; done += 4096) {
    std::memset(buffer.append(4096), 1, 4096);
  }
  buffer.fit();
  const size_t most = resident("VmHWM") - before;
  CHECK(most >= size);
  CHECK(most < size + size / 10);
}
#endif

TEST_CASE("buffers for huge pages") {
  constexpr size_t megabyte = size_t{1} << 20;
  for (const size_t room : {size_t{64}, size_t{100} * 1024, 2 * megabyte, 5 * megabyte}) {
    CAPTURE(room);
    Buffer buffer = Buffer::huge(room);
    CHECK(buffer.empty());
    const std::byte* place = buffer.data();
    CHECK((room < 2 * megabyte || reinterpret_cast<uintptr_t>(place) % (2 * megabyte) == 0));
    fill(buffer, room / sizeof(size_t));
    CHECK(buffer.data() == place); // filled without being moved
    CHECK(holds(buffer, room / sizeof(size_t)));
    buffer.truncate(room / 2);
    buffer.fit();
    CHECK(holds(buffer, room / 2 / sizeof(size_t)));
  }
}
