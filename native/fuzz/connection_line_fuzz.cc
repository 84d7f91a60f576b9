// libFuzzer: a line is refused, or printing its row reproduces it; a file never yields more rows than it has lines. The
// first byte chooses the kind of file.
#include "connection_text.h"
#include "connections/reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void parseOne(std::string_view given, ipvs::ConnectionFile file) {
  const std::string line = std::string(given.substr(0, given.find('\n'))) + "\n";
  const text::Parsed parsed = text::parse(line, file);
  if (parsed.ok) {
    check(parsed.length == line.size());
    check(text::line(parsed.row, file, parsed.engine) == line);
  }
}

// A memory file, overwritten for each input.
int memoryFile() {
  static const int fd = memfd_create("connections", 0);
  return fd;
}

void readAll(std::string_view given, ipvs::ConnectionFile file) {
  const std::string content = std::string(ipvs::connectionHeader(file)) + std::string(given);
  check(ftruncate(memoryFile(), 0) == 0);
  check(pwrite(memoryFile(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  ipvs::ConnectionReader reader({"/proc/self/fd/" + std::to_string(memoryFile()), file, {}, UINT64_MAX});
  std::array<ipvs::Connection, 3> rows;
  size_t total = 0;
  for (bool done = false; !done;) {
    size_t next = 0;
    ipvs::Engines engines;
    if (!reader.fill(rows, next, engines, done, {}).status.ok()) {
      break;
    }
    total += next;
  }
  check(total <= static_cast<size_t>(std::count(given.begin(), given.end(), '\n')));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto file = data[0] % 2 == 0 ? ipvs::ConnectionFile::plain : ipvs::ConnectionFile::origin;
  const std::string_view given(reinterpret_cast<const char*>(data) + 1, size - 1);
  parseOne(given, file);
  readAll(given, file);
  return 0;
}
