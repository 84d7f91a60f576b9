// binding.MarksSession
#include "addon/sessions.h"
#include "nftables/marks.h"

namespace addon {
namespace {

static_assert(std::is_trivially_copyable_v<nftables::Element>);
static_assert(std::is_trivially_copyable_v<nftables::FoundMark>);
static_assert(std::is_trivially_copyable_v<nftables::TracedPacket>);
static_assert(std::is_trivially_copyable_v<nftables::TraceRow>);

template <typename Row> void putRows(Outcome& outcome, const std::vector<Row>& found) {
  outcome.add("rows", std::as_bytes(std::span(found)));
}

template <typename Row> std::vector<Row> rowsIn(Napi::ArrayBuffer buffer) {
  std::vector<Row> rows(buffer.ByteLength() / sizeof(Row));
  if (!rows.empty()) {
    std::memcpy(rows.data(), buffer.Data(), rows.size() * sizeof(Row));
  }
  return rows;
}

class MarksSession : public Napi::ObjectWrap<MarksSession> {
public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "MarksSession",
                       {InstanceMethod<&MarksSession::open>("open"), InstanceMethod<&MarksSession::list>("list"),
                        InstanceMethod<&MarksSession::apply>("apply"), InstanceMethod<&MarksSession::drop>("drop"),
                        InstanceMethod<&MarksSession::find>("find"), InstanceMethod<&MarksSession::trace>("trace"),
                        InstanceMethod<&MarksSession::exportTable>("exportTable"),
                        InstanceMethod<&MarksSession::status>("status"),
                        InstanceMethod<&MarksSession::followPath>("followPath"),
                        InstanceMethod<&MarksSession::abort>("abort"), InstanceMethod<&MarksSession::close>("close")});
  }

  explicit MarksSession(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<MarksSession>(info), options_(SessionOptions::from(info[0])),
        marks_(connectorFor(options_, NETLINK_NETFILTER),
               info[0].As<Napi::Object>().Get("table").As<Napi::String>().Utf8Value()),
        worker_(info.Env(), enterOn(options_), [this] {
          marks_.close();
          routes_.close();
        }) {}

private:
  // open(call, tidy: boolean)
  Napi::Value open(const Napi::CallbackInfo& info) {
    const bool tidy = info[1].As<Napi::Boolean>().Value();
    return worker_.post(Value(), callSettings(info[0]), [this, tidy](const netlink::Control& control) {
      return outcomeOf(netlink::failureOf(0, marks_.open(control, tidy)));
    });
  }

  Napi::Value list(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]), [this](const netlink::Control& control) {
      std::vector<nftables::Element> elements;
      uint32_t generation = 0;
      Outcome outcome = outcomeOf(marks_.list(control, elements, generation));
      if (outcome.failures.empty()) {
        putRows(outcome, elements);
        outcome.generation = generation;
      }
      return outcome;
    });
  }

  // apply(call, generation: number, elements: ArrayBuffer, removed: number)
  Napi::Value apply(const Napi::CallbackInfo& info) {
    const uint32_t generation = info[1].As<Napi::Number>().Uint32Value();
    std::vector<nftables::Element> elements = rowsIn<nftables::Element>(info[2].As<Napi::ArrayBuffer>());
    const size_t removed = info[3].As<Napi::Number>().Uint32Value();
    if (removed > elements.size()) {
      throw Napi::RangeError::New(info.Env(), "ipvs: `removed` exceeds the number of elements");
    }
    // A transaction has one outcome for all elements.
    return worker_.post(Value(), callSettings(info[0]),
                        [this, generation, elements = std::move(elements), removed](const netlink::Control& control) {
                          Outcome outcome;
                          uint32_t current = generation;
                          nftables::Applied applied = marks_.apply(current, elements, removed, control);
                          outcome.failures = std::move(applied.failures);
                          if (!applied.leftovers.ok()) {
                            outcome.leftovers = netlink::failureOf(0, applied.leftovers);
                          }
                          if (current != 0) {
                            outcome.generation = current;
                          }
                          return outcome;
                        });
  }

  Napi::Value exportTable(const Napi::CallbackInfo& info) { return text(info, &nftables::Marks::exportTable); }

  Napi::Value status(const Napi::CallbackInfo& info) { return text(info, &nftables::Marks::status); }

  using Question = netlink::Failure (nftables::Marks::*)(const netlink::Control& control, std::string& text);
  Napi::Value text(const Napi::CallbackInfo& info, Question question) {
    return worker_.post(Value(), callSettings(info[0]), [this, question](const netlink::Control& control) {
      std::string text;
      Outcome outcome = outcomeOf((marks_.*question)(control, text));
      if (outcome.failures.empty()) {
        outcome.add("text", std::as_bytes(std::span(text)));
      }
      return outcome;
    });
  }

  Napi::Value find(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]), [this](const netlink::Control& control) {
      std::vector<nftables::FoundMark> marks;
      Outcome outcome = outcomeOf(marks_.find(control, marks));
      if (outcome.failures.empty()) {
        putRows(outcome, marks);
      }
      return outcome;
    });
  }

  // trace(call, packets: ArrayBuffer)
  Napi::Value trace(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]),
                        [this, packets = rowsIn<nftables::TracedPacket>(info[1].As<Napi::ArrayBuffer>())](
                            const netlink::Control& control) {
                          std::vector<nftables::TraceRow> rows;
                          Outcome outcome = outcomeOf(marks_.trace(routes_, control, packets, rows));
                          if (outcome.failures.empty()) {
                            putRows(outcome, rows);
                          }
                          return outcome;
                        });
  }

  Napi::Value drop(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]),
                        [this](const netlink::Control& control) { return outcomeOf(marks_.drop(control)); });
  }

  Napi::Value followPath(const Napi::CallbackInfo& info) {
    return worker_.post(Value(), callSettings(info[0]),
                        [this](const netlink::Control& /*control*/) { return outcomeOf(addon::followPath(options_)); });
  }

  void abort(const Napi::CallbackInfo& info) { worker_.abort(info.Env(), info[0].As<Napi::Number>().Uint32Value()); }

  Napi::Value close(const Napi::CallbackInfo& /*info*/) { return worker_.close(Value()); }

  SessionOptions options_;
  netlink::Channel routes_{[](netlink::Socket& socket) { return netlink::Socket::open(NETLINK_ROUTE, socket); }};
  nftables::Marks marks_; // used only on the worker's thread, which is stopped before this is destroyed
  Worker worker_;
};

} // namespace

Napi::Function defineMarksSession(Napi::Env env) { return MarksSession::define(env); }

} // namespace addon
