#include "ipvs/session.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ipvs {
namespace {

// Messages per datagram. Each refusal is a datagram in the receive queue, whose default size holds at least 221 on the
// kernels measured.
constexpr size_t chunkSize = 128;

bool isNoEntry(const Failure& failure) {
  return failure.status.kind == netlink::FailureKind::rejected && failure.status.error == ENOENT;
}

// True if a read after `later` cannot show any more whether `earlier` was carried out.
bool overrides(const Item& later, const Item& earlier) {
  if (later.operation == Operation::flush || earlier.operation == Operation::flush) {
    return true;
  }
  if (later.settings != nullptr || earlier.settings != nullptr) {
    return later.settings != nullptr && earlier.settings != nullptr;
  }
  if (!commandOf(later.operation).service || later.operation == Operation::zeroService) {
    return false;
  }
  if (!sameService(later.service, earlier.service)) {
    return false;
  }
  if (later.operation <= Operation::removeService) {
    return later.operation == Operation::removeService || earlier.operation <= Operation::removeService;
  }
  return earlier.destination != nullptr && sameDestination(later.destination, earlier.destination);
}

bool ends(const Failure& failure, OnFailure onFailure) {
  return onFailure == OnFailure::stop || (onFailure == OnFailure::end && failure.status.general());
}

// Appends the failure of all items from `next` on, which were not sent. Includes the items directly before `next` that
// failed generally: they were not applied either, so a retry starts with them.
void appendRest(std::vector<Failure>& failures, size_t next) {
  const auto general = std::ranges::find_if(failures, [](const Failure& f) { return f.status.general(); });
  Failure why = general != failures.end() ? *general : failures.back();
  const auto failedGenerally = [&] {
    const Failure& last = failures.back();
    return last.index + 1 == next && last.status.general() && !last.unknown;
  };
  while (!failures.empty() && failedGenerally()) {
    failures.pop_back();
    --next;
  }
  why.index = next;
  why.unknown = false;
  why.rest = true;
  failures.push_back(std::move(why));
}

} // namespace

Failure refusalOf(size_t index, const netlink::Acknowledgement& ack, netlink::Bytes request) {
  Failure failure = failureOf(index, netlink::rejected(ack.error));
  failure.message = ack.text;
  constexpr size_t headers = sizeof(nlmsghdr) + sizeof(genlmsghdr);
  if (ack.offset >= headers && request.size() >= headers) {
    failure.attribute = netlink::locate(requestRecords, request.subspan(headers), ack.offset - headers);
  }
  return failure;
}

Status Session::open(const Control& control) {
  bool changed = false;
  return family_ != 0 ? channel_.open() : refreshFamily(control, changed);
}

// Reads the family's number. `changed`: it differs from the one used so far.
Status Session::refreshFamily(const Control& control, bool& changed) {
  const uint16_t before = family_;
  const Status status = netlink::resolveFamily(channel_, IPVS_GENL_NAME, control, family_);
  if (!status.ok()) {
    family_ = 0;
  }
  changed = status.ok() && family_ != before;
  return status;
}

std::vector<Failure> Session::execute(std::span<const Item> items, const Control& control, OnFailure onFailure) {
  const PatchLock::Release release(patchLock_);
  const size_t most = onFailure == OnFailure::stop ? 1 : chunkSize;
  std::vector<Failure> failures;
  size_t known = 0; // failures checked so far
  const auto ended = [&] {
    const auto fresh = std::span(failures).subspan(std::exchange(known, failures.size()));
    return std::ranges::any_of(fresh, [onFailure](const Failure& f) { return ends(f, onFailure); });
  };
  chunk_.clear();
  completed_.clear();
  current_.reset();
  for (size_t index = 0; index < items.size(); ++index) {
    Item item = items[index];
    if (commandOf(item.operation).form == Form::patch) {
      Failure failure = complete(item, control, failures);
      if (!failure.status.ok()) {
        send(control, failures); // earlier items first, so that failures are in order
      }
      if (ended()) {
        appendRest(failures, index); // by an earlier item
        return failures;
      }
      if (failure.status.ok()) {
        chunk_.push_back({index, item});
      } else {
        failure.index = index;
        failures.push_back(std::move(failure));
      }
    } else {
      if (current_ && (item.service == nullptr || current_->of(item.service))) {
        current_.reset();
      }
      chunk_.push_back({index, item});
    }
    if (chunk_.size() >= most) {
      send(control, failures);
    }
    if (ended()) {
      appendRest(failures, index + 1);
      return failures;
    }
  }
  send(control, failures);
  if (ended()) {
    appendRest(failures, items.size());
  }
  return failures;
}

// Sends the chunk and settles each of its items.
void Session::send(const Control& control, std::vector<Failure>& failures) {
  if (chunk_.empty()) {
    return;
  }
  std::vector<Entry> entries = chunk_;
  std::vector<Failure> failed = attempt(control);
  // With a stale family number the kernel refuses every message with ENOENT. IPVS uses ENOENT also for a missing
  // destination or scheduler: look the number up again to tell them apart.
  if (std::ranges::any_of(failed, isNoEntry)) {
    bool changed = false;
    const Status lookup = refreshFamily(control, changed);
    chunk_.clear();
    for (const Entry& entry : entries) {
      const auto same = [&entry](const Failure& f) { return f.index == entry.index && isNoEntry(f); };
      const auto found = std::ranges::find_if(failed, same);
      if (found == failed.end()) {
        continue;
      }
      if (changed) {
        chunk_.push_back(entry);
        failed.erase(found);
      } else if (!lookup.ok()) {
        *found = failureOf(entry.index, lookup); // reason of the ENOENT unknown; nothing was applied in either case
      }
    }
    std::ranges::move(attempt(control), std::back_inserter(failed));
  }
  for (Failure& failure : failed) {
    const auto self = std::ranges::find(entries, failure.index, &Entry::index);
    const auto hides = [&self](const Entry& later) { return overrides(later.item, self->item); };
    if (failure.unknown && std::none_of(self + 1, entries.end(), hides)) {
      resolve(self->item, failure, control);
    }
  }
  if (!failed.empty()) {
    current_.reset(); // it may contain a refused patch
  }
  std::erase_if(failed, [](const Failure& failure) { return failure.status.ok(); });
  std::ranges::sort(failed, {}, &Failure::index);
  std::ranges::move(failed, std::back_inserter(failures));
  chunk_.clear();
  completed_.clear();
}

// Sends the chunk once. Items without a failure were carried out.
std::vector<Failure> Session::attempt(const Control& control) {
  std::vector<Failure> failed;
  if (chunk_.empty()) {
    return failed;
  }
  bool changed = false;
  const Status lookup = family_ != 0 ? netlink::done() : refreshFamily(control, changed);
  if (!lookup.ok()) {
    for (const Entry& entry : chunk_) {
      failed.push_back(failureOf(entry.index, lookup));
    }
    return failed;
  }
  netlink::Batch& batch = channel_.compose();
  for (const Entry& entry : chunk_) {
    const Command& command = commandOf(entry.item.operation);
    netlink::Writer writer = netlink::beginGeneric(batch, family_, command.command, 0);
    if (command.service) {
      netlink::encodeNested(serviceRecord, entry.item.service, writer);
    }
    if (command.destination) {
      netlink::encodeNested(destinationRecord, entry.item.destination, writer);
    }
    if (command.settings != nullptr) {
      netlink::encodeNested(*command.settings, entry.item.settings, writer);
    }
    batch.end();
  }
  batch.acknowledge();
  netlink::Replies replies;
  const Status status = channel_.exchange(control, replies);
  for (size_t i = 0; i < chunk_.size(); ++i) {
    if (const netlink::Acknowledgement* refusal = replies.refusal(i)) {
      failed.push_back(refusalOf(chunk_[i].index, *refusal, channel_.sent().message(i)));
    } else if (!status.ok()) {
      failed.push_back(failureOf(chunk_[i].index, status, replies.sent && status.doubtful()));
    }
  }
  return failed;
}

} // namespace ipvs
