#include "connection_text.h"
#include "connections/reader.h"

#include <doctest/doctest.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace {

using ipvs::Connection;
using ipvs::ConnectionFile;
using ipvs::ConnectionFilter;
using ipvs::ConnectionReader;

const std::string header(ipvs::connectionHeader(ConnectionFile::plain));

// A file in memory with a path.
class File {
public:
  explicit File(const std::string& content) : fd_(memfd_create("connections", MFD_CLOEXEC)) {
    REQUIRE(::write(fd_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    path = "/proc/self/fd/" + std::to_string(fd_);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path;

private:
  int fd_;
};

Connection client(uint32_t number) {
  Connection row{};
  row.family = row.destinationFamily = AF_INET;
  const uint32_t address = netlink::networkOrder(0x0b000000 + number);
  std::memcpy(row.client, &address, sizeof address);
  row.protocol = IPPROTO_TCP;
  row.clientPort = 1024;
  row.virtualPort = 80;
  row.state = static_cast<uint8_t>(ipvs::State::established);
  row.expires = number % 1000;
  return row;
}

std::string table(uint32_t rows) {
  std::string content = header;
  for (uint32_t i = 0; i < rows; ++i) {
    content += text::line(client(i), ConnectionFile::plain);
  }
  return content;
}

struct Read {
  std::vector<Connection> rows;
  ipvs::Engines engines;
  netlink::Failure failure;
  int fills = 0;
};

Read readAll(ConnectionReader& reader, size_t room, const netlink::Control& control = {}) {
  Read read;
  for (bool done = false; !done && read.failure.status.ok();) {
    std::vector<Connection> rows(room);
    size_t next = 0;
    read.failure = reader.fill(rows, next, read.engines, done, control);
    read.rows.insert(read.rows.end(), rows.begin(), rows.begin() + static_cast<ptrdiff_t>(next));
    ++read.fills;
  }
  return read;
}

Read readAll(const std::string& content, ConnectionFilter filter = {}, size_t room = 100) {
  const File file(content);
  ConnectionReader reader({file.path, ConnectionFile::plain, filter, UINT64_MAX});
  return readAll(reader, room);
}

size_t descriptors() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

} // namespace

TEST_CASE("a table is read in chunks") {
  const auto read = readAll(table(12345));
  CHECK(read.failure.status.ok());
  REQUIRE(read.rows.size() == 12345);
  CHECK(read.fills == 124);
  for (uint32_t i = 0; i < read.rows.size(); ++i) {
    const Connection expected = client(i);
    REQUIRE(std::memcmp(&read.rows[i], &expected, sizeof expected) == 0);
  }
}

// A memory file, unlike /proc, fills the whole buffer of a read.
TEST_CASE("a large table is read ahead, with the same result") {
  constexpr uint32_t lines = 100'000;
  const File file(table(lines));
  ConnectionReader reader({file.path, ConnectionFile::plain, {}, UINT64_MAX, true});
  const auto read = readAll(reader, 30'000);
  CHECK(read.failure.status.ok());
  REQUIRE(read.rows.size() == lines);
  for (uint32_t i = 0; i < lines; ++i) {
    const Connection expected = client(i);
    REQUIRE(std::memcmp(&read.rows[i], &expected, sizeof expected) == 0);
  }
}

TEST_CASE("errors in a large table are found when it is read ahead") {
  std::string content = table(50'000);
  SUBCASE("an invalid line") { content += "TCP invalid\n"; }
  SUBCASE("an incomplete last line") { content += "TCP 0A0"; }
  const File file(content);
  ConnectionReader reader({file.path, ConnectionFile::plain, {}, UINT64_MAX, true});
  const auto read = readAll(reader, 1000);
  CHECK(read.failure.status.kind == netlink::FailureKind::malformed);
  CHECK(read.failure.message.find("line 50001") != std::string::npos);
  CHECK(read.rows.size() == 50'000);
}

TEST_CASE("an empty table") {
  const auto read = readAll(header);
  CHECK(read.failure.status.ok());
  CHECK(read.rows.empty());
}

TEST_CASE("duplicates are removed; another destination or engine is another connection") {
  Connection other = client(1);
  other.destination[0] = std::byte{9};
  Connection older = client(1);
  older.expires = 9;
  older.state = static_cast<uint8_t>(ipvs::State::closeWait);
  std::string content = table(3);
  for (const Connection& row : {other, older, client(2)}) {
    content += text::line(row, ConnectionFile::plain);
  }
  for (const char* engine : {"sip a", "sip b", "sip a"}) {
    content += text::line(client(1), ConnectionFile::plain, engine);
  }
  const auto read = readAll(content);
  CHECK(read.rows.size() == 6);
  // {row, length, "sip a" and padding}, twice
  REQUIRE(read.engines.size() == 32);
  CHECK(netlink::load<uint32_t>(read.engines.data()) == 4);
  CHECK(netlink::load<uint32_t>(read.engines.data() + 4) == 5);
  CHECK(std::memcmp(read.engines.data() + 8, "sip a", 5) == 0);
  CHECK(netlink::load<uint32_t>(read.engines.data() + 16) == 5);
}

TEST_CASE("engine data of any length") {
  const std::string engine = "sip " + std::string(5000, 'x');
  const auto read = readAll(header + text::line(client(1), ConnectionFile::plain, engine));
  REQUIRE(read.rows.size() == 1);
  CHECK(netlink::load<uint32_t>(read.engines.data() + 4) == engine.size());
}

TEST_CASE("the error of an invalid line contains its number and text") {
  std::string content = table(150);
  content += "TCP 0A00000G D57A\x1b\n" + text::line(client(7), ConnectionFile::plain);
  const auto read = readAll(content);
  CHECK(read.failure.status.kind == netlink::FailureKind::malformed);
  CHECK(read.failure.message == "line 151: \"TCP 0A00000G D57A\\x1b\"");
  CHECK(read.rows.size() == 150);
}

TEST_CASE("a file that ends within a line is an error, at any position") {
  const std::string content = table(2);
  for (size_t length = header.size() + 1; length < content.size(); ++length) {
    const bool whole = content[length - 1] == '\n';
    CAPTURE(length);
    CHECK(readAll(content.substr(0, length)).failure.status.ok() == whole);
  }
  const auto cut = readAll(content.substr(0, header.size() + 8));
  CHECK(cut.failure.message == "line 1, cut: \"TCP 0B00\"");
}

TEST_CASE("other files are errors") {
  CHECK(readAll("").failure.message == "an empty file");
  CHECK(readAll("something else\n").failure.message == "the first line: \"something else\"");
  CHECK(readAll(std::string(300000, 'x')).failure.status.kind == netlink::FailureKind::malformed);
  ConnectionReader missing({"/proc/self/no-such-file", ConnectionFile::plain, {}, UINT64_MAX});
  CHECK(readAll(missing, 10).failure.status.error == ENOENT);
}

TEST_CASE("the limit") {
  const File file(table(1000));
  ConnectionReader reader({file.path, ConnectionFile::plain, {}, 250});
  CHECK(readAll(reader, 100).rows.size() == 250);
}

TEST_CASE("filters") {
  Connection six = client(1);
  six.family = AF_INET6;
  six.client[15] = std::byte{1};
  six.virtualPort = 443;
  six.protocol = IPPROTO_UDP;
  six.state = static_cast<uint8_t>(ipvs::State::udp);
  Connection persistent = client(2);
  persistent.clientPort = 0;
  persistent.state = static_cast<uint8_t>(ipvs::State::none);
  Connection mark = persistent;
  mark.protocol = IPPROTO_IP;
  mark.virtualPort = 0;
  mark.virtualAddress[3] = std::byte{7};
  const std::string content = table(10) + text::line(six, ConnectionFile::plain) +
                              text::line(persistent, ConnectionFile::plain) + text::line(mark, ConnectionFile::plain);
  const auto count = [&](auto set) {
    ConnectionFilter filter;
    set(filter);
    return readAll(content, filter).rows.size();
  };
  CHECK(count([](auto&) {}) == 13);
  CHECK(count([](auto& filter) { filter.protocols.set(IPPROTO_UDP); }) == 1);
  CHECK(count([](auto& filter) { filter.protocols.set(IPPROTO_UDP).set(IPPROTO_TCP); }) == 12);
  CHECK(count([](auto& filter) { filter.states = 1U << static_cast<int>(ipvs::State::none); }) == 2);
  CHECK(count([](auto& filter) { filter.templates = ipvs::Templates::excluded; }) == 11);
  CHECK(count([](auto& filter) { filter.templates = ipvs::Templates::only; }) == 2);
  CHECK(count([](auto& filter) { filter.fwmark = 7; }) == 1);
  CHECK(count([](auto& filter) { filter.fwmark = 8; }) == 0);
  CHECK(count([](auto& filter) { filter.leastExpires = 2; }) == 10); // 0 and 1 of ten, and the first of the rest
  CHECK(count([](auto& filter) { filter.virtualEnd.port = 443; }) == 1);
  CHECK(count([](auto& filter) { filter.virtualEnd.port = 0; }) == 0); // a mark has no port
  CHECK(count([](auto& filter) { filter.client.port = 1024; }) == 11);
  CHECK(count([](auto& filter) { filter.destination.family = AF_INET; }) == 13);
  CHECK(count([](auto& filter) { filter.client.family = AF_INET6; }) == 0);
  CHECK(count([&](auto& filter) {
          filter.client.family = AF_INET;
          std::memcpy(filter.client.from, client(3).client, 16);
          std::memcpy(filter.client.to, client(6).client, 16);
        }) == 4);
}

TEST_CASE("a reader has one open descriptor until the end of the file or close()") {
  const File file(table(1000));
  const size_t before = descriptors();
  std::vector<Connection> rows(100);
  size_t next = 0;
  bool done = false;
  ipvs::Engines engines;
  {
    ConnectionReader half({file.path, ConnectionFile::plain, {}, UINT64_MAX});
    CHECK(half.fill(rows, next, engines, done, {}).status.ok());
    CHECK(next == 100);
    CHECK(descriptors() == before + 1);
    half.close();
    CHECK(descriptors() == before);
    ConnectionReader abandoned({file.path, ConnectionFile::plain, {}, UINT64_MAX});
    next = 0;
    CHECK(abandoned.fill(rows, next, engines, done, {}).status.ok());
  }
  CHECK(descriptors() == before);
  ConnectionReader whole({file.path, ConnectionFile::plain, {}, UINT64_MAX});
  CHECK(readAll(whole, 5000).rows.size() == 1000);
  CHECK(descriptors() == before);
  next = 0;
  CHECK(whole.fill(rows, next, engines, done, {}).status.ok());
  CHECK(done);
  CHECK(next == 0);
}

TEST_CASE("an interruption ends the pass between two reads") {
  const File file(table(5000));
  int pipeEnds[2];
  REQUIRE(::pipe(pipeEnds) == 0);
  REQUIRE(::write(pipeEnds[1], "x", 1) == 1);
  const netlink::Control control{netlink::Clock::time_point::max(), pipeEnds[0],
                                 [](bool) { return netlink::FailureKind::aborted; }};
  ConnectionReader reader({file.path, ConnectionFile::plain, {}, UINT64_MAX});
  const auto read = readAll(reader, 5000, control);
  CHECK(read.failure.status.kind == netlink::FailureKind::aborted);
  CHECK(read.rows.empty());
  ::close(pipeEnds[0]);
  ::close(pipeEnds[1]);
}
