// libFuzzer: values in V8's serialization format are never read out of bounds, reading terminates, and references lead
// only to objects.
#include "packing/v8_value.h"

#include <cstdlib>

namespace {

using ipvs::Cloned;
using ipvs::CloneReader;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void readAll(CloneReader& reader, const char* begin, const char* end, bool follow) {
  for (;;) {
    const Cloned value = reader.next();
    if (value.kind == Cloned::Kind::broken) {
      check(reader.next().kind == Cloned::Kind::broken); // permanently
      return;
    }
    if (value.kind == Cloned::Kind::text) {
      check(value.start >= begin && value.start + value.size <= end);
    }
    if (value.kind == Cloned::Kind::reference && follow) {
      if (auto other = reader.at(value)) {
        readAll(*other, begin, end, false);
      }
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* begin = reinterpret_cast<const char*>(data);
  CloneReader reader({reinterpret_cast<const std::byte*>(data), size});
  if (reader.open()) {
    readAll(reader, begin, begin + size, true);
  }
  CloneReader skipping({reinterpret_cast<const std::byte*>(data), size});
  if (skipping.open()) {
    while (skipping.skip(skipping.next())) {
    }
  }
  return 0;
}
