#include "addon/sessions.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>

namespace addon {

SessionOptions SessionOptions::from(const Napi::Value& value) {
  SessionOptions options;
  const auto object = value.As<Napi::Object>();
  if (object.Has("netns")) {
    options.netns = namespaceIn(object.Get("netns"));
  }
  if (object.Has("sockets")) {
    options.scripted = true;
    const auto sockets = object.Get("sockets").As<Napi::Array>();
    for (uint32_t i = 0; i < sockets.Length(); ++i) {
      options.sockets.push_back(sockets.Get(i).As<Napi::Number>().Int32Value());
    }
  }
  return options;
}

namespace {

netlink::Failure aboutNamespace(netlink::Status status) {
  netlink::Failure failure = netlink::failureOf(0, status);
  if (!status.ok()) {
    failure.attribute = "netns";
  }
  return failure;
}

} // namespace

std::function<netlink::Failure()> enterOn(const SessionOptions& options) {
  if (!options.netns) {
    return {};
  }
  return [netns = options.netns] { return aboutNamespace(netns->enter()); };
}

netlink::Failure followPath(const SessionOptions& options) {
  return options.netns ? aboutNamespace(options.netns->follow()) : netlink::Failure{};
}

netlink::Channel::Connector connectorFor(const SessionOptions& options, int protocol) {
  if (!options.scripted) {
    return [protocol](netlink::Socket& socket) { return netlink::Socket::open(protocol, socket); };
  }
  // Takes ownership of all given descriptors, used or not.
  auto left = std::shared_ptr<std::deque<int>>(new std::deque<int>(options.sockets.begin(), options.sockets.end()),
                                               [](std::deque<int>* unused) {
                                                 std::ranges::for_each(*unused, ::close);
                                                 delete unused;
                                               });
  return [left = std::move(left)](netlink::Socket& socket) {
    if (left->empty()) {
      return netlink::local(ECONNREFUSED);
    }
    socket = netlink::Socket::adopt(left->front());
    left->pop_front();
    return netlink::done();
  };
}

Outcome outcomeOf(netlink::Failure failure) {
  Outcome outcome;
  if (!failure.status.ok()) {
    outcome.failures.push_back(std::move(failure));
  }
  return outcome;
}

} // namespace addon
