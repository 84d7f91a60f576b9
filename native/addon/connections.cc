// binding.ConnectionReader: one pass over the connection table, and computations on rows that take too long for the
// main thread. Rows are never copied: JavaScript gets the memory that they were written to.
#include "addon/connection_options.h"
#include "addon/sessions.h"
#include "connections/groups.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace addon {
namespace {

netlink::Buffer bytesOf(const auto& values) { return netlink::Buffer(std::as_bytes(std::span(values))); }

// Reads a small file completely.
netlink::Failure readFile(const std::string& path, std::vector<std::byte>& content) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : 1;
  int failed = fd < 0 ? errno : 0;
  while (got > 0) {
    std::byte part[4096];
    got = ::read(fd, part, sizeof part);
    if (got > 0) {
      content.insert(content.end(), part, part + got);
    } else if (got < 0 && errno == EINTR) {
      got = 1;
    } else if (got < 0) {
      failed = errno;
    }
  }
  if (fd >= 0) {
    ::close(fd);
  }
  return failed == 0 ? netlink::Failure{} : netlink::failureOf(0, netlink::local(failed));
}

class ConnectionReader : public Napi::ObjectWrap<ConnectionReader> {
public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "ConnectionReader",
        {InstanceMethod<&ConnectionReader::pull>("pull"), InstanceMethod<&ConnectionReader::group>("group"),
         InstanceMethod<&ConnectionReader::compare>("compare"),
         InstanceMethod<&ConnectionReader::statistics>("statistics"), InstanceMethod<&ConnectionReader::abort>("abort"),
         InstanceMethod<&ConnectionReader::close>("close")});
  }

  // new ConnectionReader({ netns? }, { file?, origin?, limit?, and the filter })
  explicit ConnectionReader(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<ConnectionReader>(info), options_(SessionOptions::from(info[0])),
        reader_(readerOptionsFrom(info[1].As<Napi::Object>())),
        worker_(info.Env(), enterOn(options_), [this] { reader_.close(); }) {}

private:
  // pull(call, most: number, least: number): { rows, engines?, done }
  Napi::Value pull(const Napi::CallbackInfo& info) {
    const size_t most = info[1].As<Napi::Number>().Uint32Value();
    const size_t least = info[2].As<Napi::Number>().Uint32Value();
    return post(info, info.Env().Undefined(), [this, most, least](const netlink::Control& control) {
      auto pages = netlink::Buffer::huge(most * sizeof(ipvs::Connection));
      // NOLINTNEXTLINE(bugprone-casting-through-void): rows begin at pages
      const std::span rows(static_cast<ipvs::Connection*>(static_cast<void*>(pages.data())), most);
      size_t length = 0;
      ipvs::Engines engines;
      bool done = false;
      netlink::Failure failure;
      do {
        failure = reader_.fill(rows, length, engines, done, control);
      } while (failure.status.ok() && !done && length < least);
      Outcome outcome = outcomeOf(std::move(failure));
      outcome.done = done;
      (void)pages.append(length * sizeof(ipvs::Connection)); // already written
      pages.fit();
      outcome.add("rows", std::move(pages));
      if (!engines.empty()) {
        outcome.add("engines", engines);
      }
      return outcome;
    });
  }

  // group(call, blocks, fields: number, most: number): { rows, counts }
  Napi::Value group(const Napi::CallbackInfo& info) {
    std::vector<ipvs::ConnectionBlock> blocks = blocksFrom(info[1]);
    const auto fields = static_cast<uint8_t>(info[2].As<Napi::Number>().Uint32Value());
    const size_t most = info[3].As<Napi::Number>().Uint32Value();
    return post(info, info[1], [blocks = std::move(blocks), fields, most](const netlink::Control& /*control*/) {
      std::vector<std::span<const ipvs::Connection>> rows;
      rows.reserve(blocks.size());
      for (const ipvs::ConnectionBlock& block : blocks) {
        rows.push_back(block.rows);
      }
      const ipvs::Groups groups = ipvs::groupConnections(rows, fields, most);
      Outcome outcome;
      outcome.add("rows", bytesOf(groups.rows));
      outcome.add("counts", bytesOf(groups.counts));
      return outcome;
    });
  }

  // compare(call, earlier: blocks, later: blocks): { opened, changed, closed }, all u32
  Napi::Value compare(const Napi::CallbackInfo& info) {
    std::vector<ipvs::ConnectionBlock> earlier = blocksFrom(info[1]);
    std::vector<ipvs::ConnectionBlock> later = blocksFrom(info[2]);
    auto both = Napi::Array::New(info.Env(), 2);
    both[0U] = info[1];
    both[1U] = info[2];
    return post(info, both,
                [earlier = std::move(earlier), later = std::move(later)](const netlink::Control& /*control*/) {
                  const ipvs::ConnectionDifference difference = ipvs::compareConnections(earlier, later);
                  Outcome outcome;
                  outcome.add("opened", bytesOf(difference.opened));
                  outcome.add("changed", bytesOf(difference.changed));
                  outcome.add("closed", bytesOf(difference.closed));
                  return outcome;
                });
  }

  // statistics(call): { totals: text of ip_vs_stats, perCpu: of ip_vs_stats_percpu }
  Napi::Value statistics(const Napi::CallbackInfo& info) {
    return post(info, info.Env().Undefined(), [](const netlink::Control& /*control*/) {
      std::vector<std::byte> totals;
      std::vector<std::byte> perCpu;
      netlink::Failure failure = readFile("/proc/thread-self/net/ip_vs_stats", totals);
      if (failure.status.ok()) {
        failure = readFile("/proc/thread-self/net/ip_vs_stats_percpu", perCpu);
      }
      Outcome outcome = outcomeOf(std::move(failure));
      outcome.add("totals", totals);
      outcome.add("perCpu", perCpu);
      return outcome;
    });
  }

  void abort(const Napi::CallbackInfo& info) { worker_.abort(info.Env(), info[0].As<Napi::Number>().Uint32Value()); }

  Napi::Value close(const Napi::CallbackInfo& /*info*/) { return worker_.close(Value()); }

  // Keeps `held` alive while the job runs, by a reference from this object, which the job references.
  Napi::Value post(const Napi::CallbackInfo& info, const Napi::Value& held, Worker::Work work) {
    if (busy_.exchange(true)) {
      throw Napi::Error::New(info.Env(), "ipvs: the reader is busy with another call");
    }
    Value().Set("held", held);
    return worker_.post(Value(), callSettings(info[0]),
                        [this, work = std::move(work)](const netlink::Control& control) {
                          Outcome outcome = work(control);
                          busy_ = false;
                          return outcome;
                        });
  }

  std::atomic<bool> busy_ = false; // a job is running, or was discarded before its end
  SessionOptions options_;
  ipvs::ConnectionReader reader_; // used only on the worker's thread, which is stopped before this is destroyed
  Worker worker_;
};

} // namespace

Napi::Function defineConnectionReader(Napi::Env env) { return ConnectionReader::define(env); }

} // namespace addon
