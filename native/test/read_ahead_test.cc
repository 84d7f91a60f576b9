// Reading ahead from pipes, which return a little data at a time.
#include "connections/read_ahead.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using ipvs::ReadAhead;

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    finish();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void write(const std::string& text) const {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void finish() {
    if (ends[1] >= 0) {
      ::close(ends[1]);
      ends[1] = -1;
    }
  }
};

// Reads to the end; retries after EINTR.
std::string readAll(ReadAhead& ahead, ssize_t& end) {
  std::string text;
  std::vector<char> room(ReadAhead::chunkSize);
  for (;;) {
    end = ahead.read(room.data(), 10ms);
    if (end > 0) {
      text.append(room.data(), static_cast<size_t>(end));
    } else if (end == 0 || errno != EINTR) {
      return text;
    }
  }
}

} // namespace

TEST_CASE("all data arrives in order, and the end repeatedly") {
  Pipe pipe;
  std::string all;
  for (int i = 0; i < 100'000; ++i) {
    all += std::to_string(i) + '\n';
  }
  ReadAhead ahead(pipe.ends[0]);
  std::thread writer([&] {
    for (size_t at = 0; at < all.size(); at += 4000) {
      pipe.write(all.substr(at, 4000));
    }
    pipe.finish();
  });
  ssize_t end = -1;
  const std::string text = readAll(ahead, end);
  writer.join();
  CHECK(text == all);
  CHECK(end == 0);
  CHECK(readAll(ahead, end).empty());
}

TEST_CASE("a read without data returns EINTR, and a later one returns the data") {
  Pipe pipe;
  ReadAhead ahead(pipe.ends[0]);
  std::vector<char> room(ReadAhead::chunkSize);
  CHECK(ahead.read(room.data(), 1ms) == -1);
  CHECK(errno == EINTR);
  pipe.write("later");
  pipe.finish();
  ssize_t end = -1;
  CHECK(readAll(ahead, end) == "later");
}

TEST_CASE("an error is returned after the data before it") {
  const Pipe pipe;
  pipe.write("before");
  REQUIRE(fcntl(pipe.ends[0], F_SETFL, O_NONBLOCK) == 0); // the second read fails
  ReadAhead ahead(pipe.ends[0]);
  std::vector<char> room(ReadAhead::chunkSize);
  CHECK(ahead.read(room.data(), 5s) == 6);
  CHECK(ahead.read(room.data(), 5s) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("the reader can be destroyed at any time") {
  const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  REQUIRE(zeros >= 0);
  std::vector<char> room(ReadAhead::chunkSize);
  for (int i = 0; i < 50; ++i) {
    ReadAhead ahead(zeros);
    for (int j = 0; j < i % 7; ++j) {
      CHECK(ahead.read(room.data(), 5s) > 0);
    }
  }
  ::close(zeros);
}
