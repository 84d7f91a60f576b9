// Sockets that Node.js cannot make: with a mark, bound to an interface, for ping; and one datagram to a Unix socket.
#include "addon/sessions.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace addon {
namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

// { call, errno }: the system call or option that failed.
Napi::Object failureOf(Napi::Env env, const char* call, int error) {
  auto failure = Napi::Object::New(env);
  failure["call"] = call;
  failure["errno"] = Napi::Number::New(env, error);
  return failure;
}

int newSocket(bool ipv6, const std::string& type) {
  const int family = ipv6 ? AF_INET6 : AF_INET;
  constexpr int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  if (type == "tcp") {
    return socket(family, SOCK_STREAM | flags, 0);
  }
  const int ping = ipv6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  return socket(family, SOCK_DGRAM | flags, type == "ping" ? ping : 0);
}

// openSocket(ipv6: boolean, type: string, mark?: number, device?: string): descriptor, or { call, errno }
Napi::Value openSocket(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Descriptor fd(newSocket(info[0].As<Napi::Boolean>().Value(), info[1].As<Napi::String>().Utf8Value()));
  if (fd.get() < 0) {
    return failureOf(env, "socket", errno);
  }
  if (!info[2].IsUndefined()) {
    const uint32_t mark = info[2].As<Napi::Number>().Uint32Value();
    if (setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
      return failureOf(env, "SO_MARK", errno);
    }
  }
  if (!info[3].IsUndefined()) {
    const std::string device = info[3].As<Napi::String>().Utf8Value();
    if (setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(), static_cast<socklen_t>(device.size())) != 0) {
      return failureOf(env, "SO_BINDTODEVICE", errno);
    }
  }
  return Napi::Number::New(env, fd.release());
}

// sendToPath(path: string, data: Uint8Array): undefined, or { call, errno }. A path that begins with "@" is abstract.
// The path fits: lib/sockets.ts has looked.
Napi::Value sendToPath(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const auto data = info[1].As<Napi::Uint8Array>();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return failureOf(env, "sendto", ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.starts_with('@')) {
    address.sun_path[0] = '\0';
  }
  const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) {
    return failureOf(env, "socket", errno);
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // bind() and sendto() take every kind of address as sockaddr.
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (sendto(fd.get(), data.Data(), data.ByteLength(), MSG_NOSIGNAL, to, size) < 0) {
    return failureOf(env, "sendto", errno);
  }
  return env.Undefined();
}

} // namespace

Napi::Function defineOpenSocket(Napi::Env env) { return Napi::Function::New(env, openSocket, "openSocket"); }

Napi::Function defineSendToPath(Napi::Env env) { return Napi::Function::New(env, sendToPath, "sendToPath"); }

} // namespace addon
