// binding.packItems
#include "addon/sessions.h"
#include "packing/packer.h"

namespace addon {
namespace {

template <typename Row> std::span<Row> rowsOf(const Napi::Value& value) {
  auto bytes = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<Row*>(bytes.Data()), bytes.ElementLength() / sizeof(Row)};
}

std::span<ipvs::Triple> triplesOf(const Napi::Value& value) {
  auto words = value.As<Napi::Uint32Array>();
  return {reinterpret_cast<ipvs::Triple*>(words.Data()), words.ByteLength() / sizeof(ipvs::Triple)};
}

// packItems(serialized: Uint8Array, triples: Uint32Array, services, destinations: Uint8Array)
Napi::Value packItems(const Napi::CallbackInfo& info) {
  const auto serialized = info[0].As<Napi::Uint8Array>();
  ipvs::PlainItems items{triplesOf(info[1]), rowsOf<ipvs::Service>(info[2]), rowsOf<ipvs::Destination>(info[3])};
  const size_t count = items.triples.size();
  if (items.services.size() < count || items.destinations.size() < count) {
    throw Napi::RangeError::New(info.Env(), "ipvs: the row buffers are too small for all items");
  }
  const std::span bytes(reinterpret_cast<const std::byte*>(serialized.Data()), serialized.ElementLength());
  ipvs::packItems(bytes, items);
  // Free the bytes now: garbage collection would leave megabytes of them for a long time.
  auto buffer = serialized.ArrayBuffer();
  if (buffer.ByteLength() == bytes.size()) { // not a slice of a shared buffer
    buffer.Detach();
  }
  auto counts = Napi::Array::New(info.Env(), 3);
  counts[0U] = items.serviceCount;
  counts[1U] = items.destinationCount;
  counts[2U] = items.unusual;
  return counts;
}

} // namespace

Napi::Function definePackItems(Napi::Env env) { return Napi::Function::New(env, packItems, "packItems"); }

} // namespace addon
