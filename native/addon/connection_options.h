// What lib/ says about a pass over the connection table, in the terms of native/ipvs.
#pragma once

#include "addon/setup.h"
#include "connections/difference.h"

namespace addon {

// { file?, origin?, limit?, protocols?, states?, client?, virtual?, destination?, fwmark?, templates?, leastExpires? }
[[nodiscard]] ipvs::ConnectionReader::Options readerOptionsFrom(const Napi::Object& object);

// { rows: ArrayBuffer, length: number, engines?: ArrayBuffer }[]. Points into the buffers.
[[nodiscard]] std::vector<ipvs::ConnectionBlock> blocksFrom(const Napi::Value& value);

} // namespace addon
