// What the sessions share: a worker, a namespace, a way to open sockets.
#pragma once

#include "addon/worker.h"
#include "netlink/channel.h"
#include "netlink/namespace.h"

#include <memory>

namespace addon {

// { netns?: Namespace, sockets?: number[] } as given to a session's constructor.
struct SessionOptions {
  std::shared_ptr<netlink::Namespace> netns; // null: that of the process
  std::vector<int> sockets;
  bool scripted = false; // `sockets` was given: the kernel is played by somebody else

  static SessionOptions from(const Napi::Value& value);
};

// Moves the session's thread into its namespace; the failure names the option.
[[nodiscard]] std::function<netlink::Failure()> enterOn(const SessionOptions& options);

// Whether the path of the namespace still leads there: see netlink::Namespace::follow().
[[nodiscard]] netlink::Failure followPath(const SessionOptions& options);

// The namespace in a `binding.Namespace`.
[[nodiscard]] std::shared_ptr<netlink::Namespace> namespaceIn(const Napi::Value& value);

// Opens a socket of `protocol`, or takes the next of the given ones.
[[nodiscard]] netlink::Channel::Connector connectorFor(const SessionOptions& options, int protocol);

// A failure of the call as a whole, if it is one.
[[nodiscard]] Outcome outcomeOf(netlink::Failure failure);

[[nodiscard]] Napi::Function defineNamespace(Napi::Env env);
[[nodiscard]] Napi::Function defineIpvsSession(Napi::Env env);
[[nodiscard]] Napi::Function defineMarksSession(Napi::Env env);
[[nodiscard]] Napi::Function defineConnectionReader(Napi::Env env);
[[nodiscard]] Napi::Function definePackItems(Napi::Env env);

} // namespace addon
