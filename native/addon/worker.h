// A session's own thread. Every system call of a session runs here, one job at a time: libuv's pool would be held up by
// a slow kernel, and a blocked pool job keeps worker threads and the process from ending.
//
// Main thread: post(), abort(), close(), settling promises. Session thread: the jobs' work. No JavaScript value is ever
// touched on the session thread.
#pragma once

#include "addon/reply.h"
#include "netlink/socket.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace addon {

class Worker {
public:
  using Work = std::function<Outcome(const netlink::Control&)>;

  // `prepare` runs once on the new thread, before the first job; when it fails, every job fails like it.
  // `finish` runs on it last: what the thread opened, it closes.
  Worker(Napi::Env env, std::function<netlink::Failure()> prepare, std::function<void()> finish);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  struct Settings {
    uint32_t id;
    std::chrono::milliseconds timeout; // from when it is posted
    bool patient;                      // but not while the jobs before it end in time
  };

  // `owner` is referenced while the job is pending, so that it is not collected with a promise outstanding.
  [[nodiscard]] Napi::Value post(const Napi::Object& owner, const Settings& settings, Work work);
  void abort(Napi::Env env, uint32_t id);
  [[nodiscard]] Napi::Value close(const Napi::Object& owner);

private:
  struct Job {
    Settings settings;
    netlink::Clock::time_point posted;
    Work work;
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference owner;
    Outcome outcome;
  };
  static void deliver(Napi::Env env, Napi::Function, Worker* self, Job* raw);
  using Deliveries = Napi::TypedThreadSafeFunction<Worker, Job, deliver>;

  static void stopAtExit(void* self);

  void start(Napi::Env env);
  void stop(bool interruptRunning);
  void wake();
  void loop();
  [[nodiscard]] bool hand(std::unique_ptr<Job> job);
  [[nodiscard]] netlink::Cause interruption(bool readingBack);
  void settle(Napi::Env env, std::unique_ptr<Job> job);

  // Main thread only
  napi_env env_;
  Deliveries deliveries_;
  size_t pending_ = 0;
  bool started_ = false;
  bool closed_ = false;
  int broken_ = 0; // errno: no descriptor or no thread was to be had
  std::vector<Napi::Promise::Deferred> closing_;

  // Both threads
  std::function<netlink::Failure()> prepare_;
  std::function<void()> finish_;
  int wakeFd_ = -1;
  std::atomic<bool> woken_ = false; // wakeFd_ may be readable
  std::thread thread_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Job>> queue_;
  uint32_t runningId_ = 0;
  bool running_ = false;
  bool abortRunning_ = false; // the job now running was aborted
  bool stopping_ = false;     // no further job is run
  bool interrupt_ = false;    // not even the running one is waited for
};

// The options of a call: { id, timeoutMs, patient? }.
[[nodiscard]] Worker::Settings callSettings(const Napi::Value& call);

} // namespace addon
