// An addon for tests, never shipped: socket pairs on which a test plays the kernel, and direct access to the codec.
#include "ipvs/schema.h"

#include <napi.h>

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace {

const netlink::Record& recordNamed(const Napi::Value& name) {
  const std::string wanted = name.As<Napi::String>().Utf8Value();
  for (const netlink::Record* record : {&ipvs::serviceRecord, &ipvs::destinationRecord, &ipvs::infoRecord}) {
    if (wanted == record->name) {
      return *record;
    }
  }
  throw Napi::Error::New(name.Env(), "no record " + wanted);
}

// socketpair(): [near, far] (AF_UNIX SOCK_SEQPACKET); the far end is non-blocking
Napi::Value makeSocketPair(const Napi::CallbackInfo& info) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    throw Napi::Error::New(info.Env(), std::strerror(errno));
  }
  fcntl(pair[1], F_SETFL, O_NONBLOCK);
  auto result = Napi::Array::New(info.Env(), 2);
  result[0U] = Napi::Number::New(info.Env(), pair[0]);
  result[1U] = Napi::Number::New(info.Env(), pair[1]);
  return result;
}

// deafen(fd): from now on the other end fails to send with EPIPE
void deafen(const Napi::CallbackInfo& info) {
  if (shutdown(info[0].As<Napi::Number>().Int32Value(), SHUT_RD) != 0) {
    throw Napi::Error::New(info.Env(), std::strerror(errno));
  }
}

// encode(record, row: ArrayBuffer): Uint8Array, the attributes
Napi::Value encode(const Napi::CallbackInfo& info) {
  const netlink::Record& record = recordNamed(info[0]);
  auto row = info[1].As<Napi::ArrayBuffer>();
  if (row.ByteLength() != record.size) {
    throw Napi::RangeError::New(info.Env(), "not one row");
  }
  std::vector<std::byte> out;
  netlink::Writer writer(out);
  netlink::encode(record, static_cast<const std::byte*>(row.Data()), writer);
  auto bytes = Napi::Uint8Array::New(info.Env(), out.size());
  std::memcpy(bytes.Data(), out.data(), out.size());
  return bytes;
}

// decode(record, attributes: Uint8Array): ArrayBuffer, one row
Napi::Value decode(const Napi::CallbackInfo& info) {
  const netlink::Record& record = recordNamed(info[0]);
  auto bytes = info[1].As<Napi::Uint8Array>();
  auto row = Napi::ArrayBuffer::New(info.Env(), record.size);
  const netlink::Bytes attributes(reinterpret_cast<const std::byte*>(bytes.Data()), bytes.ElementLength());
  if (const auto wrong = netlink::decode(record, attributes, static_cast<std::byte*>(row.Data()))) {
    throw Napi::Error::New(info.Env(), "malformed: " + *wrong);
  }
  return row;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["socketpair"] = Napi::Function::New(env, makeSocketPair, "socketpair");
  exports["deafen"] = Napi::Function::New(env, deafen, "deafen");
  exports["encode"] = Napi::Function::New(env, encode, "encode");
  exports["decode"] = Napi::Function::New(env, decode, "decode");
  return exports;
}

} // namespace

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return init(env, exports); }
NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
