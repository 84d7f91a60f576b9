#include "packing/value_parsers.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace ipvs {
namespace {

// True for ordinary unicast addresses by their first byte. Multicast, IPv6 link-local and other special addresses are
// left to lib/.
bool isCommon(uint16_t family, const std::byte* bytes) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  return family == AF_INET ? first > 0 && first < 224 : first >= 0x20 && first < 0xfe;
}

} // namespace

bool isModuleName(const Cloned& value, size_t room) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const std::string_view text = value.text();
  return value.kind == Cloned::Kind::text && !text.empty() && text.size() < room && isLetter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return isLetter(c) || c == '-' || c == '_'; });
}

bool readIPv4(std::string_view text, std::byte* bytes) {
  unsigned number = 0;
  unsigned digits = 0;
  size_t index = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0 || index == 3) {
        return false;
      }
      bytes[index++] = static_cast<std::byte>(number);
      number = digits = 0;
    } else {
      const auto digit = static_cast<unsigned>(c) - '0';
      if (digit > 9 || (digits > 0 && number == 0)) {
        return false;
      }
      number = number * 10 + digit;
      ++digits;
      if (number > 255) {
        return false;
      }
    }
  }
  bytes[index] = static_cast<std::byte>(number);
  return index == 3 && digits > 0;
}

bool readAddress(const Cloned& value, uint16_t& family, std::byte* bytes) {
  if (value.kind != Cloned::Kind::text) {
    return false;
  }
  const std::string_view text = value.text();
  family = AF_INET;
  if (readIPv4(text, bytes)) {
    return isCommon(family, bytes);
  }
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::ranges::copy(text, copy.begin());
  family = AF_INET6;
  return inet_pton(AF_INET6, copy.data(), bytes) == 1 && isCommon(family, bytes);
}

} // namespace ipvs
