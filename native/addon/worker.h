// A session's thread. All system calls of a session run on it, one job at a time: a slow kernel would block libuv's
// pool, and a blocked pool job keeps worker threads and the process from exiting.
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

  // `prepare` runs on the new thread before the first job; its failure is the outcome of every job. `finish` runs on
  // the thread at its end, to close what it opened.
  Worker(Napi::Env env, std::function<netlink::Failure()> prepare, std::function<void()> finish);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  struct Settings {
    uint32_t id;
    std::chrono::milliseconds timeout; // from post() on
    bool patient;                      // timeout from the end of the previous job on, as long as jobs end in time
  };

  // References `owner` until the promise settles, so that it is not garbage-collected before.
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
  [[nodiscard]] netlink::FailureKind interruption(bool readingBack);
  void settle(Napi::Env env, std::unique_ptr<Job> job);

  // Main thread only
  napi_env env_;
  Deliveries deliveries_;
  size_t pending_ = 0;
  bool started_ = false;
  bool closed_ = false;
  int broken_ = 0; // errno: the eventfd or the thread could not be created
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
  bool stopping_ = false;     // the thread ends when the queue is empty
  bool interrupt_ = false;    // the running job is interrupted, queued ones are dropped
};

// The options of a call: { id, timeoutMs, patient? }.
[[nodiscard]] Worker::Settings callSettings(const Napi::Value& call);

} // namespace addon
