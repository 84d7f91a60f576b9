// Converts lib/'s options of a pass over the connection table to the types of native/connections.
#pragma once

#include "addon/setup.h"
#include "connections/difference.h"

namespace addon {

// { file?, origin?, limit?, protocols?, states?, client?, virtual?, destination?, fwmark?, templates?, leastExpires? }
[[nodiscard]] ipvs::ConnectionReader::Options readerOptionsFrom(const Napi::Object& object);

// { rows: ArrayBuffer, length: number, engines?: ArrayBuffer }[]. The blocks are views of these buffers.
[[nodiscard]] std::vector<ipvs::ConnectionBlock> blocksFrom(const Napi::Value& value);

} // namespace addon
