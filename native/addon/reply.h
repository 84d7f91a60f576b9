// The outcome of a job, and its conversion to JavaScript.
#pragma once

#include "addon/setup.h"
#include "netlink/buffer.h"
#include "netlink/status.h"

#include <optional>
#include <vector>

namespace addon {

// A named buffer of a reply.
struct Part {
  const char* name;
  netlink::Buffer bytes;
};

// The outcome of a job, without JavaScript values.
struct Outcome {
  void add(const char* name, netlink::Buffer bytes) { parts.push_back({name, std::move(bytes)}); }
  void add(const char* name, std::span<const std::byte> bytes) { add(name, netlink::Buffer(bytes)); }

  std::vector<netlink::Failure> failures;
  std::vector<Part> parts;
  std::optional<bool> done; // of a block of connections: it is the last one
  std::optional<uint32_t> generation;
  std::optional<netlink::Failure> leftovers; // of a change of marks: nftables::Applied
};

// { failures, generation?, leftovers?, done? } and the buffers by name: lib/binding/replies.ts.
[[nodiscard]] Napi::Object replyObject(Napi::Env env, Outcome outcome);

} // namespace addon
