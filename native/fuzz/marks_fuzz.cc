// libFuzzer: for any replies of nf_tables, a listing of the mark map has valid rows or fails, and a change ends as
// applied, refused or unknown. The first byte chooses the call, the rest is the script (scripted_kernel.h).
#include "nftables/marks.h"
#include "scripted_kernel.h"

#include <algorithm>
#include <array>

namespace {

using scripted::check;

nftables::Element element(uint16_t portTo) {
  nftables::Element row{};
  row.present = nftables::elementPresent;
  row.family = AF_INET;
  row.protocol = IPPROTO_TCP;
  row.mark = 7;
  row.mask = UINT32_MAX;
  row.rule = 1;
  row.portFrom = 80;
  row.portTo = portTo;
  row.sourcePortTo = UINT16_MAX;
  row.place = static_cast<uint8_t>(portTo == row.portFrom ? nftables::Place::exact : nftables::Place::ranges);
  std::ranges::fill(row.sourceTo, std::byte{0xff});
  return row;
}

void list(nftables::Marks& marks) {
  std::vector<nftables::Element> rows;
  uint32_t generation = 0;
  if (marks.list(scripted::control(), rows, generation).status.ok()) {
    for (const nftables::Element& row : rows) {
      check(row.place < nftables::placeCount);
      check(row.interface[sizeof row.interface - 1] == '\0' && row.comment[sizeof row.comment - 1] == '\0');
    }
  }
}

void apply(nftables::Marks& marks, size_t removed) {
  const std::array rows{element(80), element(90)};
  uint32_t generation = 1;
  for (const netlink::Failure& failure : marks.apply(generation, rows, removed, scripted::control()).failures) {
    check(failure.index <= rows.size());
    check(!failure.status.ok());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  scripted::load({reinterpret_cast<const std::byte*>(data) + 1, size - 1}, scripted::Lookups::leftToInput);
  const bool bridging = data[0] >= 0x80;
  nftables::Marks marks(scripted::connector(), "ipvs", bridging);
  switch (data[0] % 8) {
  case 0:
    list(marks);
    break;
  case 1: {
    std::string text;
    (void)marks.exportTable(scripted::control(), text);
    break;
  }
  case 2: {
    std::vector<nftables::FoundMark> found;
    (void)marks.find(scripted::control(), found);
    break;
  }
  case 3:
    (void)marks.drop(scripted::control());
    break;
  case 4:
    (void)marks.open(scripted::control(), false); // removing old bridges would sleep
    break;
  case 5: {
    std::string text;
    (void)marks.status(scripted::control(), text);
    break;
  }
  default:
    apply(marks, data[0] % 3);
  }
  return 0;
}
