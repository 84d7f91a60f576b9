// What to believe of a transaction whose answer was lost, or whose effect was not seen.
#include "nftables/marks.h"

#include <algorithm>
#include <utility>

namespace nftables {
namespace {

constexpr int confirmations = 4;
constexpr std::chrono::milliseconds confirmationTime{netlink::readBackTime / 8};

// Half of the time for reading back; tidying up has the other half.
Control settling(const Control& control) {
  static_assert(tidyTime * 2 == netlink::readBackTime);
  Control look = control.forReadBack();
  look.deadline -= tidyTime;
  return look;
}

std::vector<Element> sorted(std::span<const Element> rows) {
  std::vector<Element> elements(rows.begin(), rows.end());
  std::ranges::sort(elements, keyLess);
  return elements;
}

const Element* find(const std::vector<Element>& elements, const Element& key) {
  const auto found = std::ranges::lower_bound(elements, key, keyLess);
  return found != elements.end() && !keyLess(key, *found) ? &*found : nullptr;
}

// True when the table looks as the change wanted it.
bool fulfilled(std::span<const Element> removed, std::span<const Element> added, std::span<const Element> listed) {
  const std::vector<Element> present = sorted(listed);
  const std::vector<Element> wanted = sorted(added);
  for (const Element& element : wanted) {
    const Element* found = find(present, element);
    if (found == nullptr || found->mark != element.mark || found->rule != element.rule ||
        found->counter != element.counter ||
        std::strncmp(found->comment, element.comment, sizeof element.comment) != 0) {
      return false;
    }
  }
  for (const Element& element : sorted(removed)) {
    if (find(wanted, element) == nullptr && find(present, element) != nullptr) {
      return false;
    }
  }
  return true;
}

} // namespace

// No complaint is not yet success: only an applied transaction moves the generation. This question is not given up on,
// even when the caller is in a hurry: its answer takes no time. Without it nobody knows.
std::optional<Failure> Marks::confirm(uint32_t base, uint32_t& generation) {
  uint32_t after = 0;
  Status status;
  for (int attempt = 0; attempt < confirmations; ++attempt) {
    status = readGeneration(channel_, Control::within(confirmationTime), after);
    if (status.ok()) {
      break;
    }
  }
  if (!status.ok()) {
    return failureOf(0, status, true);
  }
  if (after == base) {
    return failureOf(0, {netlink::Cause::malformed, 0});
  }
  generation = after == base + 1 ? after : 0;
  return {};
}

// Finds out whether a transaction without an answer was applied; none: it was. sendmsg() returns when the kernel is
// done with it, so the ruleset does not change on our behalf any more.
std::optional<Failure> Marks::resolve(Status status, uint32_t base, std::span<const Element> rows, size_t removed,
                                      const Control& control) {
  Failure failure = failureOf(0, status, true);
  if (status.cause == netlink::Cause::aborted || status.cause == netlink::Cause::closed) {
    return failure; // the caller does not want to wait for this
  }
  const Control look = settling(control);
  uint32_t now = 0;
  if (!readGeneration(channel_, look, now).ok()) {
    return failure; // still unknown
  }
  if (now == base) {
    failure.unknown = false; // not applied
    return failure;
  }
  std::vector<Element> listed;
  Objects objects;
  if (!list(look, listed, now).status.ok() || !findObjects(channel_, table_, look, objects).status.ok()) {
    return failure;
  }
  const bool complete = nothing(missingObjects(objects, withExisting(needsOf(rows.subspan(removed)), objects)));
  if (complete && fulfilled(rows.first(removed), rows.subspan(removed), listed)) {
    return {};
  }
  if (now == base + 1 && objects.generation == now) {
    failure.unknown = false; // one transaction was applied, and it was not ours
  }
  return failure;
}

} // namespace nftables
