#include "addon/connection_options.h"

#include <algorithm>

namespace addon {
namespace {

uint32_t number(const Napi::Object& object, const char* name, uint32_t otherwise) {
  return object.Has(name) ? object.Get(name).As<Napi::Number>().Uint32Value() : otherwise;
}

template <typename Take> void forEach(const Napi::Object& object, const char* name, const Take& take) {
  if (!object.Has(name)) {
    return;
  }
  const auto numbers = object.Get(name).As<Napi::Array>();
  for (uint32_t i = 0; i < numbers.Length(); ++i) {
    take(numbers.Get(i).As<Napi::Number>().Uint32Value());
  }
}

void copyAddress(const Napi::Object& object, const char* name, std::byte (&to)[16]) {
  const auto bytes = object.Get(name).As<Napi::Uint8Array>();
  std::memcpy(to, bytes.Data(), std::min(bytes.ByteLength(), sizeof to));
}

// { family?: number, from?, to?: Uint8Array, port?: number }
ipvs::EndpointFilter endpointFrom(const Napi::Object& object, const char* name) {
  ipvs::EndpointFilter filter;
  if (!object.Has(name)) {
    return filter;
  }
  const auto given = object.Get(name).As<Napi::Object>();
  filter.family = static_cast<uint8_t>(number(given, "family", AF_UNSPEC));
  if (filter.family != AF_UNSPEC) {
    copyAddress(given, "from", filter.from);
    copyAddress(given, "to", filter.to);
  }
  if (given.Has("port")) {
    filter.port = static_cast<uint16_t>(number(given, "port", 0));
  }
  return filter;
}

} // namespace

ipvs::ConnectionReader::Options readerOptionsFrom(const Napi::Object& object) {
  ipvs::ConnectionReader::Options options;
  if (object.Has("file")) {
    options.file = object.Get("file").As<Napi::String>().Utf8Value();
  }
  if (object.Has("origin") && object.Get("origin").ToBoolean()) {
    options.kind = ipvs::ConnectionFile::origin;
  }
  if (object.Has("limit")) {
    options.limit = static_cast<uint64_t>(object.Get("limit").As<Napi::Number>().DoubleValue());
  }
  options.ahead = object.Has("ahead") && object.Get("ahead").ToBoolean();
  ipvs::ConnectionFilter& filter = options.filter;
  forEach(object, "protocols", [&](uint32_t protocol) { filter.protocols.set(protocol & 0xff); });
  forEach(object, "states", [&](uint32_t state) { filter.states |= 1U << (state & 31); });
  filter.client = endpointFrom(object, "client");
  filter.virtualEnd = endpointFrom(object, "virtual");
  filter.destination = endpointFrom(object, "destination");
  if (object.Has("fwmark")) {
    filter.fwmark = number(object, "fwmark", 0);
  }
  filter.templates = static_cast<ipvs::Templates>(std::min(number(object, "templates", 0), 2U));
  filter.leastExpires = number(object, "leastExpires", 0);
  return options;
}

std::vector<ipvs::ConnectionBlock> blocksFrom(const Napi::Value& value) {
  const auto given = value.As<Napi::Array>();
  std::vector<ipvs::ConnectionBlock> blocks;
  blocks.reserve(given.Length());
  for (uint32_t i = 0; i < given.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    const auto block = given.Get(i).As<Napi::Object>();
    auto rows = block.Get("rows").As<Napi::ArrayBuffer>();
    const size_t length = block.Get("length").As<Napi::Number>().Uint32Value();
    if (length > rows.ByteLength() / sizeof(ipvs::Connection)) {
      throw Napi::RangeError::New(value.Env(), "ipvs: `length` exceeds the rows of the buffer");
    }
    blocks.push_back({{static_cast<const ipvs::Connection*>(rows.Data()), length}, {}});
    if (block.Has("engines")) {
      auto engines = block.Get("engines").As<Napi::ArrayBuffer>();
      blocks.back().engines = {static_cast<const std::byte*>(engines.Data()), engines.ByteLength()};
    }
  }
  return blocks;
}

} // namespace addon
