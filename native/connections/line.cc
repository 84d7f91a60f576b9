// The kernel prints columns of fixed width separated by single spaces, so the address families determine all positions:
// no searching, and one branch for all digits of a line.
#include "connections/line.h"
#include "connections/digits.h"
#include "connections/state.h"

#include <array>
#include <cstring>

namespace ipvs {
namespace {

// The columns between protocol and state of a line with IPv4 addresses only, as in nearly all lines:
//   0A000001 D57A AC100064 0050 0A020002 1F90
// 64-bit words, not SIMD: vectors of 16 characters need fewer instructions but more time.
class FourColumns {
public:
  static constexpr size_t length = 41;

  [[nodiscard]] bool read(const char* at) {
    client_ = load<uint64_t>(at);
    virtual_ = load<uint64_t>(at + 14);
    destination_ = load<uint64_t>(at + 28);
    twoPorts_ = load<uint32_t>(at + 9) | static_cast<uint64_t>(load<uint32_t>(at + 23)) << 32;
    port_ = load<uint32_t>(at + 37);
    const uint64_t digits = notHex(client_, 'A') | notHex(virtual_, 'A') | notHex(destination_, 'A') |
                            notHex(twoPorts_, 'A') | notHex(port_, 'A');
    const int separators = (at[8] ^ ' ') | (at[13] ^ ' ') | (at[22] ^ ' ') | (at[27] ^ ' ') | (at[36] ^ ' ');
    return (digits | static_cast<unsigned>(separators)) == 0;
  }

  void store(Connection& row) const {
    address(client_, row.client);
    address(virtual_, row.virtualAddress);
    address(destination_, row.destination);
    const uint32_t ports = __builtin_bswap32(joined8(nibbles(twoPorts_)));
    row.clientPort = static_cast<uint16_t>(ports >> 16);
    row.virtualPort = static_cast<uint16_t>(ports);
    row.destinationPort = __builtin_bswap16(joined4(nibbles(port_)));
    row.family = row.destinationFamily = AF_INET;
  }

private:
  static void address(uint64_t digits, std::byte (&to)[16]) {
    const std::array<uint64_t, 2> words{joined8(nibbles(digits)), 0};
    std::memcpy(to, words.data(), sizeof to);
  }

  uint64_t client_;
  uint64_t virtual_;
  uint64_t destination_;
  uint64_t twoPorts_;
  uint32_t port_;
};

// Reads columns from left to right. Errors are collected and checked once at the end.
class Columns {
public:
  explicit Columns(const char* at) : at_(at) {}

  void separator() { wrong_ |= static_cast<uint8_t>(*at_++ ^ ' '); }

  uint16_t port() {
    const auto digits = load<uint32_t>(at_);
    wrong_ |= notHex(digits, 'A');
    at_ += 4;
    return __builtin_bswap16(joined4(nibbles(digits)));
  }

  // Returns the family.
  uint8_t address(std::byte (&to)[16]) {
    if (at_[8] == ' ') {
      const auto digits = load<uint64_t>(at_);
      wrong_ |= notHex(digits, 'A');
      const std::array<uint32_t, 4> words{joined8(nibbles(digits)), 0, 0, 0};
      std::memcpy(to, words.data(), sizeof to);
      at_ += 8;
      return AF_INET;
    }
    for (size_t group = 0; group < 8; ++group) {
      const auto digits = load<uint32_t>(at_ + group * 5);
      wrong_ |= notHex(digits, 'a') | static_cast<uint8_t>(group < 7 ? at_[group * 5 + 4] ^ ':' : 0);
      const uint16_t bytes = joined4(nibbles(digits));
      std::memcpy(to + group * 2, &bytes, sizeof bytes);
    }
    at_ += 39;
    return AF_INET6;
  }

  void expect(bool condition) { wrong_ |= condition ? 0 : 1; }
  void skip(size_t length) { at_ += length; }
  [[nodiscard]] const char* at() const { return at_; }
  [[nodiscard]] bool valid() const { return wrong_ == 0; }

private:
  const char* at_;
  uint64_t wrong_ = 0;
};

constexpr uint32_t word4(const char (&text)[5]) {
  uint32_t word = 0;
  for (int i = 0; i < 4; ++i) {
    word |= static_cast<uint32_t>(static_cast<uint8_t>(text[i])) << (8 * i);
  }
  return word;
}

// "IP_47": protocols without a name in the kernel.
bool numberedProtocol(Columns& columns, uint8_t& protocol) {
  columns.skip(3);
  unsigned number = 0;
  int digits = 0;
  for (; *columns.at() >= '0' && *columns.at() <= '9' && digits < 3; ++digits) {
    number = number * 10 + static_cast<unsigned>(*columns.at() - '0');
    columns.skip(1);
  }
  protocol = static_cast<uint8_t>(number);
  const bool leadingZero = number < (digits == 3 ? 100U : digits == 2 ? 10U : 1U);
  const bool named = number == IPPROTO_TCP || number == IPPROTO_UDP || number == IPPROTO_SCTP ||
                     number == IPPROTO_ICMP || number == IPPROTO_ICMPV6;
  return digits > 0 && number < 256 && !leadingZero && !named;
}

// The kernel pads names to three characters. The fourth character may be the separator.
bool protocol(Columns& columns, uint8_t& number) {
  const auto start = load<uint32_t>(columns.at());
  if (start == word4("TCP ") || start == word4("UDP ") || start == word4("IP  ")) {
    number = start == word4("TCP ")   ? uint8_t{IPPROTO_TCP}
             : start == word4("UDP ") ? uint8_t{IPPROTO_UDP}
                                      : uint8_t{IPPROTO_IP};
    columns.skip(3);
    return true;
  }
  if (start == word4("SCTP")) {
    number = IPPROTO_SCTP;
    columns.skip(4);
    return true;
  }
  if (start == word4("ICMP")) {
    columns.skip(4);
    const bool six = std::memcmp(columns.at(), "v6", 2) == 0;
    columns.skip(six ? 2 : 0);
    number = six ? uint8_t{IPPROTO_ICMPV6} : uint8_t{IPPROTO_ICMP};
    return true;
  }
  return (start & 0xffffff) == (word4("IP_ ") & 0xffffff) && numberedProtocol(columns, number);
}

bool state(Columns& columns, uint8_t& code) {
  const StateText text{load<uint64_t>(columns.at()), load<uint32_t>(columns.at() + 8)};
  code = stateTable.codes[slotOf(text, stateTable.multiplier)];
  columns.skip(11);
  if (code == noState) {
    return false;
  }
  const StateText& name = stateTable.texts[code];
  return text.start == name.start && text.end == name.end;
}

// Seven characters, padded with spaces on the left; enough for all values, as the kernel counts milliseconds in 32
// bits. Starts at the separator in front, so that it reads one word.
bool expires(Columns& columns, uint32_t& value) {
  auto word = load<uint64_t>(columns.at());
  const int spaces = std::countr_zero((word ^ repeated<uint64_t>(' ')) | 0x8000000000000000) / 8;
  if (spaces == 0) {
    return false;
  }
  const bool leadingZero = spaces < 7 && (word >> (8 * spaces) & 0xff) == '0';
  word |= repeated<uint64_t>(0x10) & ((uint64_t{1} << (8 * spaces)) - 1); // spaces become zeros
  const uint64_t digits = within(word, '0', '9') & ~word & repeated<uint64_t>(0x80);
  word -= repeated<uint64_t>('0');
  word = word * 10 + (word >> 8);
  word =
      ((word & 0x000000ff000000ff) * 0x000f424000000064 + ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
      32;
  value = static_cast<uint32_t>(word);
  columns.skip(8);
  return digits == repeated<uint64_t>(0x80) && !leadingZero;
}

bool origin(Columns& columns, uint8_t& code) {
  const bool local = std::memcmp(columns.at(), "LOCAL ", 6) == 0;
  code = static_cast<uint8_t>(local ? Origin::local : Origin::synced);
  const bool known = local || std::memcmp(columns.at(), "SYNC  ", 6) == 0;
  columns.skip(6);
  return known;
}

bool isMark(const Connection& row) {
  constexpr std::byte zeros[12]{};
  return std::memcmp(row.virtualAddress + 4, zeros, sizeof zeros) == 0;
}

// A template has no client port and a state that connections do not stay in. The kernel prints no other sign of it.
ConnectionKind kindOf(const Connection& row) {
  const auto code = static_cast<State>(row.state);
  if (row.clientPort != 0 || (code != State::none && code != State::assured)) {
    return ConnectionKind::connection;
  }
  return row.protocol == IPPROTO_IP && isMark(row) ? ConnectionKind::markPersistence : ConnectionKind::persistence;
}

// " name data": the data may be empty and may contain any byte but a newline.
const char* engineEnd(const char* at, const char* limit, EngineText& engine) {
  const auto* end = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(limit - at)));
  engine = {at + 1, static_cast<size_t>(end - at - 1)};
  const size_t space = engine.find(' ');
  return space == EngineText::npos || space == 0 ? nullptr : end + 1;
}

// The columns between protocol and state, with addresses of any family.
void anyColumns(Columns& columns, Connection& row) {
  row.family = columns.address(row.client);
  columns.separator();
  row.clientPort = columns.port();
  columns.separator();
  columns.expect(columns.address(row.virtualAddress) == row.family);
  columns.separator();
  row.virtualPort = columns.port();
  columns.separator();
  row.destinationFamily = columns.address(row.destination);
  columns.separator();
  row.destinationPort = columns.port();
}

} // namespace

std::string_view connectionHeader(ConnectionFile file) {
  return file == ConnectionFile::plain
             ? "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
             : "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n";
}

const char* parseConnection(const char* line, const char* limit, ConnectionFile file, Connection& row,
                            EngineText& engine) {
  Columns columns(line);
  engine = {};
  if (!protocol(columns, row.protocol)) {
    return nullptr;
  }
  columns.separator();
  if (FourColumns four; four.read(columns.at())) [[likely]] {
    four.store(row);
    columns.skip(FourColumns::length);
  } else {
    anyColumns(columns, row);
  }
  columns.separator();
  columns.expect(state(columns, row.state));
  row.origin = static_cast<uint8_t>(Origin::unknown);
  if (file == ConnectionFile::origin) {
    columns.separator();
    columns.expect(origin(columns, row.origin));
  }
  columns.expect(expires(columns, row.expires));
  if (!columns.valid()) {
    return nullptr;
  }
  row.kind = static_cast<uint8_t>(kindOf(row));
  const char* end = columns.at();
  if (*end == '\n') {
    return end + 1;
  }
  return *end == ' ' && file == ConnectionFile::plain ? engineEnd(end, limit, engine) : nullptr;
}

} // namespace ipvs
