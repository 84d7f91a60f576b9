// binding.IpvsSession
#include "addon/sessions.h"
#include "ipvs/session.h"

#include <atomic>
#include <cstring>

namespace addon {
namespace {

std::vector<std::byte> copyBytes(const Napi::Value& value) {
  if (!value.IsArrayBuffer()) {
    return {};
  }
  auto buffer = value.As<Napi::ArrayBuffer>();
  const auto* data = static_cast<const std::byte*>(buffer.Data());
  return {data, data + buffer.ByteLength()};
}

// A view of JavaScript's memory; the caller must keep it alive.
netlink::Bytes bytesOf(const Napi::Value& value) {
  if (!value.IsTypedArray()) {
    return {};
  }
  auto view = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<const std::byte*>(view.Data()), view.ByteLength()};
}

// The operations of one execute() call, and the rows that they refer to by index.
struct Request {
  std::span<const ipvs::Triple> operations;
  netlink::Bytes services;
  netlink::Bytes destinations;
  netlink::Bytes timeouts;
  netlink::Bytes daemons;

  // Resolves the triples to items. False: an invalid operation, or an index out of range.
  [[nodiscard]] bool resolve(std::vector<ipvs::Item>& items) const {
    const auto row = [](netlink::Bytes rows, size_t size, uint32_t index) {
      return index < rows.size() / size ? rows.data() + index * size : nullptr;
    };
    items.reserve(operations.size());
    for (const ipvs::Triple& triple : operations) {
      if (triple.operation >= std::size(ipvs::commands)) {
        return false;
      }
      const auto operation = static_cast<ipvs::Operation>(triple.operation);
      const ipvs::Command& command = ipvs::commandOf(operation);
      const auto* service = command.service ? row(services, sizeof(ipvs::Service), triple.row) : nullptr;
      const auto* destination =
          command.destination ? row(destinations, sizeof(ipvs::Destination), triple.destination) : nullptr;
      const netlink::Record* own = command.settings;
      const auto* settings =
          own != nullptr ? row(own == &ipvs::daemonRecord ? daemons : timeouts, own->size, triple.row) : nullptr;
      const bool writes = command.form == ipvs::Form::write || command.form == ipvs::Form::patch;
      if (!writes || (command.service && service == nullptr) || (command.destination && destination == nullptr) ||
          (own != nullptr && settings == nullptr)) {
        return false;
      }
      items.push_back({operation, service, destination, settings});
    }
    return true;
  }
};

// Ties the calls of a batch together, which run one after the other on one thread: after a call that ended early, later
// ones send nothing. { stopOnError, ended?: Uint8Array of one byte that all calls of a batch share }
class Turn {
public:
  explicit Turn(const Napi::Object& call) {
    if (const Napi::Value ended = call.Get("ended"); ended.IsTypedArray()) {
      ended_ = ended.As<Napi::Uint8Array>().Data();
      onFailure = call.Get("stopOnError").ToBoolean() ? ipvs::OnFailure::stop : ipvs::OnFailure::end;
    }
  }

  [[nodiscard]] bool over() const { return ended_ != nullptr && std::atomic_ref(*ended_).load() != 0; }

  void end(const std::vector<netlink::Failure>& failures) const {
    if (ended_ != nullptr && !failures.empty() && failures.back().rest) {
      std::atomic_ref(*ended_).store(1);
    }
  }

  ipvs::OnFailure onFailure = ipvs::OnFailure::goOn;

private:
  uint8_t* ended_ = nullptr; // kept alive by the `owner` of the job
};

class IpvsSession : public Napi::ObjectWrap<IpvsSession> {
public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "IpvsSession",
                       {InstanceMethod<&IpvsSession::open>("open"), InstanceMethod<&IpvsSession::execute>("execute"),
                        InstanceMethod<&IpvsSession::read>("read"), InstanceMethod<&IpvsSession::snapshot>("snapshot"),
                        InstanceMethod<&IpvsSession::followPath>("followPath"),
                        InstanceMethod<&IpvsSession::abort>("abort"), InstanceMethod<&IpvsSession::close>("close")});
  }

  explicit IpvsSession(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<IpvsSession>(info), options_(SessionOptions::from(info[0])),
        session_(connectorFor(options_, NETLINK_GENERIC), !options_.scripted),
        worker_(info.Env(), enterOn(options_), [this] { session_.close(); }) {}

private:
  Napi::Value open(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]), [this](const netlink::Control& control) {
      return outcomeOf(netlink::failureOf(0, session_.open(control)));
    });
  }

  // execute(call, operations: Uint32Array, services, destinations, timeouts, daemons: Uint8Array | undefined)
  Napi::Value execute(const Napi::CallbackInfo& info) {
    auto operations = info[1].As<Napi::Uint32Array>();
    const std::span triples(reinterpret_cast<const ipvs::Triple*>(operations.Data()),
                            operations.ByteLength() / sizeof(ipvs::Triple));
    const Request request{triples, bytesOf(info[2]), bytesOf(info[3]), bytesOf(info[4]), bytesOf(info[5])};
    std::vector<ipvs::Item> items;
    if (operations.ByteLength() % sizeof(ipvs::Triple) != 0 || !request.resolve(items)) {
      throw Napi::RangeError::New(info.Env(), "ipvs: an invalid operation or an index of a missing row");
    }
    auto owners = Napi::Array::New(info.Env(), info.Length());
    for (uint32_t i = 0; i < info.Length(); ++i) {
      owners[i] = info[i];
    }
    owners[1U] = Value(); // instead of the operations, which were copied
    const Turn turn(info[0].As<Napi::Object>());
    return worker_.post(owners, callSettings(info[0]),
                        [this, items = std::move(items), turn](const netlink::Control& control) {
                          Outcome outcome;
                          if (turn.over()) {
                            outcome.failures.push_back(netlink::restOf(0, {netlink::FailureKind::aborted, 0}));
                            return outcome;
                          }
                          outcome.failures = session_.execute(items, control, turn.onFailure);
                          turn.end(outcome.failures);
                          return outcome;
                        });
  }

  // read(call, operation: number, key: ArrayBuffer | undefined, consistent: boolean)
  Napi::Value read(const Napi::CallbackInfo& info) {
    const uint32_t code = info[1].As<Napi::Number>().Uint32Value();
    std::vector<std::byte> key = copyBytes(info[2]);
    const bool consistent = info[3].ToBoolean();
    if (code >= std::size(ipvs::commands) || ipvs::commands[code].reply == nullptr ||
        (ipvs::commands[code].service && key.size() != sizeof(ipvs::Service))) {
      throw Napi::RangeError::New(info.Env(), "ipvs: not an operation that reads, or its key is missing");
    }
    return worker_.post(Value(), callSettings(info[0]),
                        [this, code, key = std::move(key), consistent](const netlink::Control& control) {
                          ipvs::Rows rows;
                          Outcome outcome = outcomeOf(
                              session_.read(static_cast<ipvs::Operation>(code), key.data(), consistent, control, rows));
                          if (outcome.failures.empty()) {
                            rows.fit(); // JavaScript may keep it for a long time
                            outcome.add("rows", std::move(rows));
                          }
                          return outcome;
                        });
  }

  // snapshot(call, consistent: boolean)
  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const bool consistent = info[1].ToBoolean();
    return worker_.post(Value(), callSettings(info[0]), [this, consistent](const netlink::Control& control) {
      ipvs::Session::Snapshot found;
      Outcome outcome = outcomeOf(session_.snapshot(consistent, control, found));
      if (outcome.failures.empty()) {
        found.services.fit(); // JavaScript may keep them for a long time
        found.destinations.fit();
        outcome.add("services", std::move(found.services));
        outcome.add("destinations", std::move(found.destinations));
        outcome.add("counts", std::as_bytes(std::span(found.counts)));
      }
      return outcome;
    });
  }

  Napi::Value followPath(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]),
                        [this](const netlink::Control& /*control*/) { return outcomeOf(addon::followPath(options_)); });
  }

  void abort(const Napi::CallbackInfo& info) { worker_.abort(info.Env(), info[0].As<Napi::Number>().Uint32Value()); }

  Napi::Value close(const Napi::CallbackInfo& /*info*/) { return worker_.close(Value()); }

  SessionOptions options_;
  ipvs::Session session_; // used only on the worker's thread, which is stopped before this is destroyed
  Worker worker_;
};

} // namespace

Napi::Function defineIpvsSession(Napi::Env env) { return IpvsSession::define(env); }

} // namespace addon
