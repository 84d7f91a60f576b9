// Measures the parser alone, on lines in memory:
//   parser time [lines]      GB/s, the best of several rounds
//   parser once [lines]      one round, for callgrind to count instructions in parseAll()
#include "native/test/connection_text.h"

#include <chrono>
#include <cstdlib>
#include <random>

namespace {

using ipvs::Connection;

std::string makeLines(size_t lines, bool six) {
  std::mt19937_64 source(1); // NOLINT(bugprone-random-generator-seed): reproducible lines
  std::string content;
  for (size_t i = 0; i < lines; ++i) {
    Connection row{};
    row.family = row.destinationFamily = six ? AF_INET6 : AF_INET;
    const uint64_t client = source();
    std::memcpy(row.client, &client, six ? 8 : 4);
    row.virtualAddress[0] = std::byte{172};
    row.destination[3] = static_cast<std::byte>(source() % 16);
    row.clientPort = static_cast<uint16_t>(source() | 1);
    row.virtualPort = row.destinationPort = 80;
    row.protocol = source() % 4 == 0 ? IPPROTO_UDP : IPPROTO_TCP;
    row.state = static_cast<uint8_t>(row.protocol == IPPROTO_UDP ? 11 : 1 + source() % 8);
    row.expires = static_cast<uint32_t>(source() % 900);
    content += text::line(row, ipvs::ConnectionFile::plain);
  }
  content.resize(content.size() + ipvs::lineSlack);
  return content;
}

} // namespace

// Not in the anonymous namespace and not inlined, so that callgrind finds it by name.
[[gnu::noinline]] size_t parseAll(const char* line, const char* end, std::vector<Connection>& rows) {
  ipvs::EngineText engine;
  size_t count = 0;
  while (line < end) {
    line = ipvs::parseConnection(line, end, ipvs::ConnectionFile::plain, rows[count & (rows.size() - 1)], engine);
    if (line == nullptr) {
      std::abort();
    }
    ++count;
  }
  return count;
}

namespace {

double bestRate(const std::string& content, auto parse) {
  std::vector<Connection> rows(16384);
  double best = 0;
  const size_t size = content.size() - ipvs::lineSlack;
  for (int round = 0; round < 7; ++round) {
    const auto start = std::chrono::steady_clock::now();
    if (parse(content.data(), content.data() + size, rows) == 0) {
      std::abort();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(size) / seconds.count() / 1e9);
  }
  return best;
}

} // namespace

int main(int count, char** arguments) {
  const std::string mode = count > 1 ? arguments[1] : "time";
  const size_t lines = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 1000000;
  const std::string four = makeLines(lines, false);
  if (mode == "once") {
    std::vector<Connection> rows(16384);
    return parseAll(four.data(), four.data() + four.size() - ipvs::lineSlack, rows) == lines ? 0 : 1;
  }
  const std::string six = makeLines(lines, true);
  std::printf("{ \"ipv4GigabytesPerSecond\": %.2f, \"ipv6GigabytesPerSecond\": %.2f }\n", bestRate(four, parseAll),
              bestRate(six, parseAll));
}
