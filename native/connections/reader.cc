#include "connections/reader.h"
#include "connections/identity.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace ipvs {
namespace {

using netlink::Failure;

// read() returns at most a page of lines. With a smaller buffer, old kernels walk the table more often.
constexpr size_t readSize = ReadAhead::chunkSize;
constexpr size_t bytesBeforeAhead = 1 << 20;         // a thread does not pay for a small table
constexpr std::chrono::milliseconds longestWait{50}; // between checks for an abort
constexpr size_t longestLine = 64 << 10;             // far longer than any line of a kernel

const char* pathOf(ConnectionFile file) {
  // thread-self: the thread may be in another network namespace than the process.
  return file == ConnectionFile::plain ? "/proc/thread-self/net/ip_vs_conn" : "/proc/thread-self/net/ip_vs_conn_sync";
}

netlink::FailureKind interruptionOf(const netlink::Control& control) {
  pollfd wake{control.wakeFd, POLLIN, 0};
  const bool woken = control.wakeFd >= 0 && poll(&wake, 1, 0) > 0;
  return woken ? control.interruption() : netlink::FailureKind::none;
}

// Printable form of at most 400 bytes, for error messages.
std::string printable(const char* from, const char* to) {
  constexpr ptrdiff_t most = 400;
  std::string text;
  for (const char* at = from; at < to && at - from < most; ++at) {
    const auto byte = static_cast<uint8_t>(*at);
    if (byte >= 0x20 && byte < 0x7f) {
      text += *at;
    } else {
      constexpr std::string_view digits = "0123456789abcdef";
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return to - from > most ? text + "..." : text;
}

void append(Engines& engines, size_t row, EngineText engine) {
  const uint32_t head[] = {static_cast<uint32_t>(row), static_cast<uint32_t>(engine.size())};
  netlink::Writer writer(engines);
  writer.append(head, sizeof head);
  writer.append(engine.data(), engine.size());
}

} // namespace

ConnectionReader::ConnectionReader(Options options)
    : options_(std::move(options)), unfiltered_(options_.filter == ConnectionFilter{}) {
  if (getrandom(&seed_, sizeof seed_, GRND_NONBLOCK) != sizeof seed_) {
    seed_ = static_cast<uint64_t>(netlink::Clock::now().time_since_epoch().count());
  }
}

void ConnectionReader::close() {
  ahead_.reset();
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
  atEnd_ = true;
  buffer_ = {};
  begin_ = end_ = 0;
  seen_.clear();
}

Failure ConnectionReader::open() {
  const char* path = options_.file.empty() ? pathOf(options_.kind) : options_.file.c_str();
  fd_ = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) {
    return netlink::failureOf(0, netlink::local(errno));
  }
  buffer_.resize(readSize + lineSlack);
  return {};
}

Failure ConnectionReader::malformed(const char* line, const char* end) const {
  Failure failure = netlink::failureOf(0, {netlink::FailureKind::malformed, 0});
  const char* newline = std::find(line, end, '\n');
  const std::string number = headerRead_ ? "line " + std::to_string(lines_ + 1) : std::string("the first line");
  failure.message = number + (newline == end ? ", cut: \"" : ": \"") + printable(line, newline) + '"';
  return failure;
}

ssize_t ConnectionReader::read(char* to) {
  if (options_.ahead && !ahead_ && bytes_ >= bytesBeforeAhead) {
    try {
      ahead_ = std::make_unique<ReadAhead>(fd_);
    } catch (const std::system_error&) {
      options_.ahead = false; // no thread: read without it
    }
  }
  if (ahead_) {
    return ahead_->read(to, longestWait);
  }
  ssize_t got = 0;
  do {
    got = ::read(fd_, to, readSize);
  } while (got < 0 && errno == EINTR);
  return got;
}

// Appends one read to the unparsed bytes.
Failure ConnectionReader::readMore() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + readSize + lineSlack > buffer_.size()) {
    if (end_ > longestLine) {
      return malformed(buffer_.data(), buffer_.data() + end_);
    }
    buffer_.resize(end_ + readSize + lineSlack);
  }
  const ssize_t got = read(buffer_.data() + end_);
  if (got < 0) {
    return errno == EINTR ? Failure{} : netlink::failureOf(0, netlink::local(errno));
  }
  end_ += static_cast<size_t>(got);
  bytes_ += static_cast<size_t>(got);
  atEnd_ = got == 0;
  return {};
}

// Parses whole lines until none are left or `rows` is full.
Failure ConnectionReader::parse(std::span<Connection> rows, size_t& next, Engines& engines) {
  if (begin_ == end_) {
    return {};
  }
  const char* line = buffer_.data() + begin_;
  const auto* last = static_cast<const char*>(memrchr(line, '\n', end_ - begin_));
  const char* end = last == nullptr ? line : last + 1;
  if (!headerRead_ && line < end) {
    const std::string_view header = connectionHeader(options_.kind);
    if (!std::string_view(line, static_cast<size_t>(end - line)).starts_with(header)) {
      return malformed(line, end);
    }
    headerRead_ = true;
    line += header.size();
  }
  Failure failure;
  while (failure.status.ok() && line < end && next < rows.size() && returned_ < options_.limit) {
    Batch batch;
    failure = parseBatch(line, end, rows.subspan(next), batch);
    keep(batch, rows, next, engines);
  }
  begin_ = static_cast<size_t>(line - buffer_.data());
  return failure;
}

// Parses lines, stores the matching ones at the start of `rows` and advances `line`.
Failure ConnectionReader::parseBatch(const char*& line, const char* end, std::span<Connection> rows, Batch& batch) {
  const uint64_t most = std::min<uint64_t>({batchRows, rows.size(), options_.limit - returned_});
  while (line < end && batch.length < most) {
    Connection& row = rows[batch.length];
    EngineText& engine = batch.engines[batch.length];
    const char* after = parseConnection(line, end, options_.kind, row, engine);
    if (after == nullptr) {
      return malformed(line, end);
    }
    line = after;
    ++lines_;
    if (unfiltered_ || options_.filter.matches(row)) {
      const uint64_t fingerprint = hashIdentity(row, engine, seed_);
      seen_.prefetch(fingerprint);
      batch.fingerprints[batch.length++] = fingerprint;
    }
  }
  return {};
}

// Removes duplicates from a batch, closing the gaps, and advances `next` past the remaining rows.
void ConnectionReader::keep(const Batch& batch, std::span<Connection> rows, size_t& next, Engines& engines) {
  const size_t first = next;
  for (size_t i = 0; i < batch.length; ++i) {
    if (!seen_.insert(batch.fingerprints[i])) {
      continue;
    }
    if (next != first + i) {
      rows[next] = rows[first + i];
    }
    if (!batch.engines[i].empty()) {
      append(engines, next, batch.engines[i]);
    }
    ++next;
    ++returned_;
  }
}

Failure ConnectionReader::fill(std::span<Connection> rows, size_t& next, Engines& engines, bool& done,
                               const netlink::Control& control) {
  done = false;
  if (fd_ < 0 && !atEnd_) {
    if (Failure failure = open(); !failure.status.ok()) {
      return failure;
    }
  }
  const auto until = netlink::coarseTime() + patience;
  netlink::Clock::time_point looked{};
  for (;;) {
    if (Failure failure = parse(rows, next, engines); !failure.status.ok()) {
      close();
      return failure;
    }
    const bool enough = returned_ >= options_.limit;
    const bool exhausted = atEnd_ && (begin_ == end_ || next < rows.size());
    if (enough || exhausted) {
      Failure failure;
      if (!enough && begin_ < end_) { // incomplete last line
        failure = malformed(buffer_.data() + begin_, buffer_.data() + end_);
      } else if (!enough && !headerRead_ && !buffer_.empty()) {
        failure = netlink::failureOf(0, {netlink::FailureKind::malformed, 0});
        failure.message = "an empty file";
      }
      done = true;
      close();
      return failure;
    }
    const auto now = netlink::coarseTime();
    if (next == rows.size() || now > until) {
      return {};
    }
    if (std::exchange(looked, now) != now) {
      if (const netlink::FailureKind kind = interruptionOf(control); kind != netlink::FailureKind::none) {
        close();
        return netlink::failureOf(0, {kind, 0});
      }
    }
    if (Failure failure = readMore(); !failure.status.ok()) {
      close();
      return failure;
    }
  }
}

} // namespace ipvs
