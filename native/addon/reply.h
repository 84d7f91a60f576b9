// The outcome of a job and its way into JavaScript.
#pragma once

#include "addon/setup.h"
#include "netlink/buffer.h"
#include "netlink/status.h"

#include <optional>
#include <vector>

namespace addon {

// What a job found, in plain data.
struct Outcome {
  std::vector<netlink::Failure> failures;
  std::optional<netlink::Buffer> rows;
  std::optional<netlink::Buffer> destinations; // of a snapshot, whose services are the rows
  std::optional<netlink::Buffer> counts;       // u32: how many of them belong to each service
  std::optional<uint32_t> generation;
  std::optional<netlink::Failure> leftovers; // of a change of marks: nftables::Applied
};

// { failures, rows?, destinations?, counts?, generation?, leftovers? }: `Reply` in lib/binding/addon.ts.
[[nodiscard]] Napi::Object replyObject(Napi::Env env, Outcome outcome);

} // namespace addon
