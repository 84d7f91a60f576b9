// Converts the outcome of a job to the JavaScript object that its promise resolves with.
#include "addon/reply.h"

#include <algorithm>
#include <memory>

namespace addon {
namespace {

const char* failureKindName(netlink::FailureKind kind) {
  switch (kind) {
  case netlink::FailureKind::none:
    return "none";
  case netlink::FailureKind::rejected:
    return "rejected";
  case netlink::FailureKind::local:
    return "local";
  case netlink::FailureKind::unavailable:
    return "unavailable";
  case netlink::FailureKind::timeout:
    return "timeout";
  case netlink::FailureKind::overrun:
    return "overrun";
  case netlink::FailureKind::truncated:
    return "truncated";
  case netlink::FailureKind::malformed:
    return "malformed";
  case netlink::FailureKind::aborted:
    return "aborted";
  case netlink::FailureKind::closed:
    return "closed";
  case netlink::FailureKind::conflict:
    return "conflict";
  }
  return "malformed";
}

Napi::Object failureObject(Napi::Env env, const netlink::Failure& failure) {
  auto object = Napi::Object::New(env);
  object["index"] = Napi::Number::New(env, static_cast<double>(failure.index));
  object["kind"] = Napi::String::New(env, failureKindName(failure.status.kind));
  object["errno"] = Napi::Number::New(env, failure.status.error);
  object["unknown"] = Napi::Boolean::New(env, failure.unknown);
  if (failure.rest) {
    object["rest"] = Napi::Boolean::New(env, true);
  }
  if (!failure.attribute.empty()) {
    object["attribute"] = Napi::String::New(env, failure.attribute);
  }
  if (!failure.message.empty()) {
    object["message"] = Napi::String::New(env, failure.message);
  }
  return object;
}

// Below this, copying is cheaper than a finalizer.
constexpr size_t worthKeeping = size_t{64} * 1024;

// Passes the bytes to JavaScript without a copy, which would block the event loop for long listings. False: the runtime
// does not allow external buffers (V8's memory cage).
bool giveBuffer(Napi::Object& reply, const char* name, netlink::Buffer& bytes) {
  const napi_env env = reply.Env();
  auto owned = std::make_unique<netlink::Buffer>(std::move(bytes));
  const auto release = [](auto, void*, void* hint) { delete static_cast<netlink::Buffer*>(hint); };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, owned->data(), owned->size(), release, owned.get(), &buffer) != napi_ok) {
    bytes = std::move(*owned);
    return false;
  }
  [[maybe_unused]] const auto* given = owned.release(); // deleted by `release`
  reply.Set(name, Napi::Value(env, buffer));
  return true;
}

void setBuffer(Napi::Object& reply, Part& part) {
  auto& [name, bytes] = part;
  if (bytes.size() >= worthKeeping && giveBuffer(reply, name, bytes)) {
    return;
  }
  auto buffer = Napi::ArrayBuffer::New(reply.Env(), bytes.size());
  std::copy_n(bytes.data(), bytes.size(), static_cast<std::byte*>(buffer.Data()));
  reply[name] = buffer;
}

} // namespace

Napi::Object replyObject(Napi::Env env, Outcome outcome) {
  auto reply = Napi::Object::New(env);
  auto failures = Napi::Array::New(env, outcome.failures.size());
  for (uint32_t i = 0; i < outcome.failures.size(); ++i) {
    const Napi::HandleScope scope(env);
    failures[i] = failureObject(env, outcome.failures[i]);
  }
  reply["failures"] = failures;
  for (Part& part : outcome.parts) {
    setBuffer(reply, part);
  }
  if (outcome.done) {
    reply["done"] = Napi::Boolean::New(env, *outcome.done);
  }
  if (outcome.generation) {
    reply["generation"] = Napi::Number::New(env, *outcome.generation);
  }
  if (outcome.leftovers) {
    reply["leftovers"] = failureObject(env, *outcome.leftovers);
  }
  return reply;
}

} // namespace addon
