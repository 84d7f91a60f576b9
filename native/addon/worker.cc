#include "addon/worker.h"
#include "addon/reply.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace addon {
namespace {

// The outcome of a job of which no operation was carried out; or, with `unknown`, an unknown number of them.
Outcome notRun(netlink::Failure why) {
  why.rest = true;
  Outcome outcome;
  outcome.failures.push_back(std::move(why));
  return outcome;
}

Outcome notRun(netlink::FailureKind kind) { return notRun(netlink::restOf(0, {kind, 0})); }

} // namespace

Worker::Settings callSettings(const Napi::Value& call) {
  const auto object = call.As<Napi::Object>();
  return {object.Get("id").As<Napi::Number>().Uint32Value(),
          std::chrono::milliseconds(object.Get("timeoutMs").As<Napi::Number>().Uint32Value()),
          object.Get("patient").ToBoolean()};
}

Worker::Worker(Napi::Env env, std::function<netlink::Failure()> prepare, std::function<void()> finish)
    : env_(env), prepare_(std::move(prepare)), finish_(std::move(finish)) {
  // A failure is not thrown: it becomes the outcome of every call.
  wakeFd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wakeFd_ < 0) {
    broken_ = errno;
  }
}

Worker::~Worker() { stop(true); }

void Worker::start(Napi::Env env) {
  deliveries_ = Deliveries::New(env, "ipvs", 0, 1, this);
  deliveries_.Unref(env); // an idle session does not keep the process alive
  try {
    thread_ = std::thread([this] { loop(); });
  } catch (const std::system_error& error) {
    deliveries_.Release();
    broken_ = error.code().value();
    return;
  }
  started_ = true;
  // After the creation of the thread-safe function: hooks run in reverse order, and the thread must end first.
  napi_add_env_cleanup_hook(env_, stopAtExit, this);
}

void Worker::stopAtExit(void* self) { static_cast<Worker*>(self)->stop(true); }

// Ends the thread and waits for it. Idempotent.
void Worker::stop(bool interruptRunning) {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    interrupt_ = interrupt_ || interruptRunning;
  }
  wake();
  if (thread_.joinable()) {
    thread_.join();
    napi_remove_env_cleanup_hook(env_, stopAtExit, this);
    queue_.clear(); // not empty only during environment teardown, when promises cannot settle
  }
  if (wakeFd_ >= 0) {
    ::close(wakeFd_);
    wakeFd_ = -1;
  }
}

void Worker::wake() {
  if (wakeFd_ < 0) {
    return; // stopped
  }
  const uint64_t one = 1;
  ssize_t written = 0;
  do {
    written = write(wakeFd_, &one, sizeof one);
  } while (written < 0 && errno == EINTR); // EAGAIN: the counter is full, so it is readable
  woken_ = true; // after the write: otherwise interruption() would read too early
}

Napi::Value Worker::post(const Napi::Object& owner, const Settings& settings, Work work) {
  const Napi::Env env = owner.Env();
  auto job = std::make_unique<Job>(
      Job{settings, netlink::Clock::now(), std::move(work), Napi::Promise::Deferred::New(env), {}, {}});
  const Napi::Value promise = job->deferred.Promise();
  if (closed_) {
    job->deferred.Resolve(replyObject(env, notRun(netlink::FailureKind::closed)));
    return promise;
  }
  if (!started_ && broken_ == 0) {
    start(env);
  }
  if (broken_ != 0) {
    job->deferred.Resolve(replyObject(env, notRun(netlink::restOf(0, netlink::local(broken_)))));
    return promise;
  }
  job->owner = Napi::Persistent(owner);
  if (pending_++ == 0) {
    deliveries_.Ref(env);
  }
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake();
  return promise;
}

void Worker::abort(Napi::Env env, uint32_t id) {
  std::unique_ptr<Job> removed;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find_if(queue_, [id](const auto& job) { return job->settings.id == id; });
    if (found != queue_.end()) {
      removed = std::move(*found);
      queue_.erase(found);
    } else if (running_ && runningId_ == id) {
      abortRunning_ = true;
    }
  }
  if (removed) {
    removed->outcome = notRun(netlink::FailureKind::aborted);
    settle(env, std::move(removed));
  } else {
    wake();
  }
}

// Finishes the running job (bounded by its deadline) and refuses queued ones. The promise resolves when the thread has
// ended.
Napi::Value Worker::close(const Napi::Object& owner) {
  const Napi::Env env = owner.Env();
  auto deferred = Napi::Promise::Deferred::New(env);
  std::deque<std::unique_ptr<Job>> refused;
  closed_ = true;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    refused.swap(queue_);
  }
  wake();
  for (auto& job : refused) {
    job->outcome = notRun(netlink::FailureKind::closed);
    settle(env, std::move(job));
  }
  if (pending_ == 0) {
    stop(false);
    deferred.Resolve(env.Undefined());
  } else {
    closing_.push_back(deferred);
  }
  return deferred.Promise();
}

void Worker::settle(Napi::Env env, std::unique_ptr<Job> job) {
  if (--pending_ == 0) {
    deliveries_.Unref(env);
  }
  job->deferred.Resolve(replyObject(env, std::move(job->outcome)));
  if (pending_ == 0 && closed_ && !closing_.empty()) {
    stop(false);
    for (auto& deferred : closing_) {
      deferred.Resolve(env.Undefined());
    }
    closing_.clear();
  }
}

void Worker::deliver(Napi::Env env, Napi::Function /*unused*/, Worker* self, Job* raw) {
  std::unique_ptr<Job> job(raw);
  if (static_cast<napi_env>(env) == nullptr) {
    job->owner.SuppressDestruct(); // environment teardown releases the reference
    return;
  }
  self->settle(env, std::move(job));
}

// Called on the session thread, before each exchange and by waits when the eventfd is readable.
netlink::FailureKind Worker::interruption(bool readingBack) {
  if (woken_.exchange(false)) { // saves a system call
    uint64_t count = 0;
    while (read(wakeFd_, &count, sizeof count) < 0 && errno == EINTR) {
    }
  }
  const std::scoped_lock lock(mutex_);
  if (interrupt_ || (stopping_ && readingBack)) {
    return netlink::FailureKind::closed;
  }
  return abortRunning_ ? netlink::FailureKind::aborted : netlink::FailureKind::none;
}

// Passes a finished job to the main thread. False: the environment is closing; deliveries_ must not be used any more.
bool Worker::hand(std::unique_ptr<Job> job) {
  Job* raw = job.release();
  const napi_status status = deliveries_.NonBlockingCall(raw);
  if (status != napi_ok) {
    raw->owner.SuppressDestruct(); // only the main thread may delete a reference; teardown releases it
    delete raw;
  }
  return status != napi_closing;
}

void Worker::loop() {
  const netlink::Failure prepared = prepare_ ? prepare_() : netlink::Failure{};
  netlink::Clock::time_point progress; // end of the last job that ended in time
  for (;;) {
    std::unique_ptr<Job> job;
    {
      const std::scoped_lock lock(mutex_);
      if (interrupt_ || (stopping_ && queue_.empty())) {
        break;
      }
      if (!queue_.empty()) {
        job = std::move(queue_.front());
        queue_.pop_front();
        runningId_ = job->settings.id;
        running_ = true;
        abortRunning_ = false;
      }
    }
    if (!job) {
      pollfd fd{wakeFd_, POLLIN, 0};
      if (poll(&fd, 1, -1) > 0) {
        uint64_t count = 0;
        (void)!read(wakeFd_, &count, sizeof count);
      }
      continue;
    }
    const auto start = job->settings.patient ? std::max(job->posted, progress) : job->posted;
    const netlink::Control control{start + job->settings.timeout, wakeFd_,
                                   [this](bool readingBack) { return interruption(readingBack); }};
    try {
      if (prepared.status.ok()) {
        job->outcome = job->work(control);
      } else {
        job->outcome = notRun(prepared);
      }
    } catch (...) { // most likely out of memory: the progress of the job is unknown
      job->outcome = notRun(netlink::restOf(0, {netlink::FailureKind::malformed, ENOMEM}, true));
    }
    if (const auto now = netlink::Clock::now(); now < control.deadline) {
      progress = now;
    }
    {
      const std::scoped_lock lock(mutex_);
      running_ = false;
    }
    if (!hand(std::move(job))) {
      finish_();
      return; // napi_closing: the thread-safe function must not even be released
    }
  }
  finish_();
  deliveries_.Release();
}

} // namespace addon
