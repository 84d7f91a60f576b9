// One pass over the connection table: reads the file, parses, filters, removes what comes twice. Pulled: nothing is
// read that nobody asked for (unless `ahead`), and no more is kept than one read and the fingerprints of what was
// answered.
#pragma once

#include "connections/filter.h"
#include "connections/line.h"
#include "connections/read_ahead.h"
#include "connections/seen.h"
#include "netlink/socket.h"
#include "netlink/status.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ipvs {

// Rows that a reader filled, with the engines of those that have one: for each a u32 row, a u32 length, the text, and
// padding to four bytes; in the order of the rows.
using Engines = std::vector<std::byte>;

class ConnectionReader {
public:
  struct Options {
    std::string file; // empty: of the calling thread's network namespace
    ConnectionFile kind = ConnectionFile::plain;
    ConnectionFilter filter;
    uint64_t limit = UINT64_MAX;
    bool ahead = false; // the kernel makes the next lines while these are parsed, if there are many
  };

  explicit ConnectionReader(Options options);
  ~ConnectionReader() { close(); }
  ConnectionReader(const ConnectionReader&) = delete;
  ConnectionReader& operator=(const ConnectionReader&) = delete;

  // Fills `rows` from `next` on, and moves it. Answers before they are full when the table is at its end (`done`), or
  // after `patience`: an old kernel takes its time with a large table. What was read before a failure stays read.
  [[nodiscard]] netlink::Failure fill(std::span<Connection> rows, size_t& next, Engines& engines, bool& done,
                                      const netlink::Control& control);

  // Lines read so far, the header excluded.
  [[nodiscard]] uint64_t lines() const { return lines_; }
  void close();

  static constexpr std::chrono::milliseconds patience{100};

private:
  [[nodiscard]] netlink::Failure open();
  [[nodiscard]] netlink::Failure readMore();
  [[nodiscard]] ssize_t read(char* to);
  [[nodiscard]] netlink::Failure parse(std::span<Connection> rows, size_t& next, Engines& engines);
  // Doubles are looked for in the whole table: memory that is far away, and on its way while other lines are parsed.
  static constexpr size_t batchRows = 32;
  struct Batch {
    size_t length = 0;
    std::array<uint64_t, batchRows> fingerprints;
    std::array<EngineText, batchRows> engines;
  };
  [[nodiscard]] netlink::Failure parseBatch(const char*& line, const char* end, std::span<Connection> rows,
                                            Batch& batch);
  void keep(const Batch& batch, std::span<Connection> rows, size_t& next, Engines& engines);
  [[nodiscard]] netlink::Failure malformed(const char* line, const char* end) const;

  Options options_;
  bool wantsAll_;
  uint64_t seed_ = 0;
  int fd_ = -1;
  std::unique_ptr<ReadAhead> ahead_;
  uint64_t bytes_ = 0; // read so far
  bool headerRead_ = false;
  bool atEnd_ = false;
  uint64_t lines_ = 0;
  uint64_t answered_ = 0;
  Seen seen_;
  std::vector<char> buffer_;
  size_t begin_ = 0; // of what was read and not parsed
  size_t end_ = 0;
};

} // namespace ipvs
