// libFuzzer: any sequence of loads, masks, comparisons and ranges stays within bounds. Each step is a byte that chooses
// it, a byte for its length, and bytes of data.
#include "nftables/match_reader.h"

namespace {

using nftables::MatchReader;

class Input {
public:
  Input(const uint8_t* data, size_t size) : bytes_(reinterpret_cast<const std::byte*>(data), size) {}

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  uint8_t number() {
    const netlink::Bytes byte = take(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
  }
  netlink::Bytes take(size_t size) {
    const netlink::Bytes taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

private:
  netlink::Bytes bytes_;
};

void load(MatchReader& reader, Input& input) {
  constexpr uint8_t fields = 1 + static_cast<uint8_t>(MatchReader::Field::destinationPort);
  constexpr size_t widths[] = {1, 1, 1, 16, 16, 16, 2, 2};
  const uint8_t field = input.number() % fields;
  const bool wide = field == static_cast<uint8_t>(MatchReader::Field::source) ||
                    field == static_cast<uint8_t>(MatchReader::Field::destination);
  const size_t width = wide && input.number() % 2 == 0 ? 4 : widths[field];
  const size_t length = 1 + input.number() % width;
  reader.load(static_cast<MatchReader::Field>(field), input.number() % 16, length, width);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nftables::ParsedRule rule;
  MatchReader reader(rule);
  Input input(data, size);
  while (!input.empty()) {
    switch (input.number() % 4) {
    case 0:
      load(reader, input);
      break;
    case 1:
      (void)(reader.loaded() && reader.mask(input.take(input.number() % 20)));
      break;
    case 2: {
      const uint32_t operation = input.number() % 8;
      (void)(reader.loaded() && reader.compare(operation, input.take(input.number() % 20)));
      break;
    }
    default: {
      const netlink::Bytes from = input.take(input.number() % 20);
      (void)(reader.loaded() && reader.range(from, input.take(input.number() % 20)));
    }
    }
  }
  return 0;
}
