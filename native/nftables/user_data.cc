#include "nftables/user_data.h"

#include <algorithm>
#include <array>

namespace nftables {
namespace {

// User data is a list of {u8 type, u8 length, value}. nft (libnftnl) uses type 0 for comments of elements and rules,
// low numbers for other data, and skips unknown types.
constexpr uint8_t commentData = 0;
constexpr uint8_t ruleData = 120;

} // namespace

void writeUserData(Writer& writer, uint16_t type, const Element& element) {
  std::array<std::byte, NFT_USERDATA_MAXLEN> data{};
  size_t size = 0;
  const auto add = [&](uint8_t kind, const void* value, size_t length) {
    data[size] = static_cast<std::byte>(kind);
    data[size + 1] = static_cast<std::byte>(length);
    std::memcpy(data.data() + size + 2, value, length);
    size += 2 + length;
  };
  if (const size_t length = strnlen(element.comment, sizeof element.comment - 1); length != 0) {
    char text[sizeof element.comment] = {};
    std::memcpy(text, element.comment, length);
    add(commentData, text, length + 1); // nft requires the NUL
  }
  if (element.rule != 0) {
    const uint64_t rule = netlink::networkOrder(element.rule);
    add(ruleData, &rule, sizeof rule);
  }
  if (size != 0) {
    writer.attribute(type, data.data(), size);
  }
}

void readUserData(Bytes data, Element& element) {
  while (data.size() >= 2) {
    const auto type = static_cast<uint8_t>(data[0]);
    const auto length = static_cast<size_t>(data[1]);
    data = data.subspan(2);
    if (length > data.size()) {
      return; // not a TLV list
    }
    if (type == commentData) {
      const size_t room = sizeof element.comment - 1; // nft's limit
      const size_t text = strnlen(reinterpret_cast<const char*>(data.data()), length);
      std::memcpy(element.comment, data.data(), std::min(text, room));
    } else if (type == ruleData && length == sizeof element.rule) {
      element.rule = netlink::networkOrder(netlink::load<uint64_t>(data.data()));
    }
    data = data.subspan(length);
  }
}

} // namespace nftables
