// Shared by the sessions: options, namespaces, opening of sockets.
#pragma once

#include "addon/worker.h"
#include "netlink/channel.h"
#include "netlink/namespace.h"

#include <memory>

namespace addon {

// { netns?: Namespace, sockets?: number[] } as given to a session's constructor.
struct SessionOptions {
  std::shared_ptr<netlink::Namespace> netns; // null: the process's
  std::vector<int> sockets;
  bool scripted = false; // `sockets` was given: a test plays the kernel

  static SessionOptions from(const Napi::Value& value);
};

// Returns a function that moves the calling thread into the namespace. Its failure has the attribute "netns".
[[nodiscard]] std::function<netlink::Failure()> enterOn(const SessionOptions& options);

// Checks that the path still leads to the namespace: see netlink::Namespace::follow().
[[nodiscard]] netlink::Failure followPath(const SessionOptions& options);

// The namespace in a `binding.Namespace`.
[[nodiscard]] std::shared_ptr<netlink::Namespace> namespaceIn(const Napi::Value& value);

// Returns a function that opens a socket of `protocol`, or takes the next given descriptor.
[[nodiscard]] netlink::Channel::Connector connectorFor(const SessionOptions& options, int protocol);

// An outcome with this failure, or without failures if its status is ok.
[[nodiscard]] Outcome outcomeOf(netlink::Failure failure);

[[nodiscard]] Napi::Function defineNamespace(Napi::Env env);
[[nodiscard]] Napi::Function defineIpvsSession(Napi::Env env);
[[nodiscard]] Napi::Function defineMarksSession(Napi::Env env);
[[nodiscard]] Napi::Function defineConnectionReader(Napi::Env env);
[[nodiscard]] Napi::Function definePackItems(Napi::Env env);
[[nodiscard]] Napi::Function defineOpenSocket(Napi::Env env);
[[nodiscard]] Napi::Function defineSendToPath(Napi::Env env);

} // namespace addon
