// What the sessions share: a worker, a namespace, a way to open sockets.
#pragma once

#include "addon/worker.h"
#include "netlink/channel.h"

namespace addon {

// { netns?: string, sockets?: number[] } as given to a session's constructor.
struct SessionOptions {
  std::string netns;
  std::vector<int> sockets;
  bool scripted = false; // `sockets` was given: the kernel is played by somebody else

  static SessionOptions from(const Napi::Value& value);
};

// Moves the session's thread into its namespace; the failure names the option.
[[nodiscard]] std::function<netlink::Failure()> enterOn(const SessionOptions& options);

// Opens a socket of `protocol`, or takes the next of the given ones.
[[nodiscard]] netlink::Channel::Connector connectorFor(const SessionOptions& options, int protocol);

// A failure of the call as a whole, if it is one.
[[nodiscard]] Outcome outcomeOf(netlink::Failure failure);

[[nodiscard]] Napi::Function defineIpvsSession(Napi::Env env);
[[nodiscard]] Napi::Function defineMarksSession(Napi::Env env);
[[nodiscard]] Napi::Function defineConnectionReader(Napi::Env env);
[[nodiscard]] Napi::Function definePackItems(Napi::Env env);

} // namespace addon
