// One pass over the connection table: reads the file, parses, filters, removes duplicates. Reads on demand (unless
// `ahead`), and keeps only one read and the fingerprints of returned rows in memory.
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

// Persistence engines of rows, in the order of the rows: u32 index of the row, u32 length, text, padding to 4 bytes.
// Rows without an engine have no entry.
using Engines = std::vector<std::byte>;

class ConnectionReader {
public:
  struct Options {
    std::string file; // empty: the file of the calling thread's network namespace
    ConnectionFile kind = ConnectionFile::plain;
    ConnectionFilter filter;
    uint64_t limit = UINT64_MAX;
    bool ahead = false; // read large tables ahead on another thread
  };

  explicit ConnectionReader(Options options);
  ~ConnectionReader() { close(); }
  ConnectionReader(const ConnectionReader&) = delete;
  ConnectionReader& operator=(const ConnectionReader&) = delete;

  // Fills `rows` from `next` on and advances `next`. Returns early at the end of the table (`done`), or after
  // `patience`: old kernels are slow with large tables. Rows read before a failure stay valid.
  [[nodiscard]] netlink::Failure fill(std::span<Connection> rows, size_t& next, Engines& engines, bool& done,
                                      const netlink::Control& control);

  // Number of lines read so far, without the header.
  [[nodiscard]] uint64_t lines() const { return lines_; }
  void close();

  static constexpr std::chrono::milliseconds patience{100};

private:
  [[nodiscard]] netlink::Failure open();
  [[nodiscard]] netlink::Failure readMore();
  [[nodiscard]] ssize_t read(char* to);
  [[nodiscard]] netlink::Failure parse(std::span<Connection> rows, size_t& next, Engines& engines);
  // Rows are checked for duplicates in batches: the hash table is too large for caches, and its memory is prefetched
  // while the rest of the batch is parsed.
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
  bool unfiltered_;
  uint64_t seed_ = 0;
  int fd_ = -1;
  std::unique_ptr<ReadAhead> ahead_;
  uint64_t bytes_ = 0; // read so far
  bool headerRead_ = false;
  bool atEnd_ = false;
  uint64_t lines_ = 0;
  uint64_t returned_ = 0;
  Seen seen_;
  std::vector<char> buffer_;
  size_t begin_ = 0; // start and end of unparsed bytes in buffer_
  size_t end_ = 0;
};

} // namespace ipvs
