// Outcomes of transactions: confirmation of success, and read-back after a lost reply.
#include "nftables/marks.h"

#include <algorithm>
#include <utility>

namespace nftables {
namespace {

constexpr int confirmations = 4;
constexpr std::chrono::milliseconds confirmationTime{netlink::readBackTime / 8};

// Half of readBackTime; the other half is for removing temporary rules.
Control resolveControl(const Control& control) {
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

// True if `listed` has all added rows and none of the removed ones.
bool changeApplied(std::span<const Element> removed, std::span<const Element> added, std::span<const Element> listed) {
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

// Confirms that a transaction without refusals was applied: only then the generation changes. Uses its own deadline:
// the caller's may be spent, this read is immediate, and without it the outcome is unknown.
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
    return failureOf(0, {netlink::FailureKind::malformed, 0});
  }
  generation = after == base + 1 ? after : 0;
  return {};
}

// Determines by reading back whether a transaction without a reply was applied; no failure: it was. The kernel finishes
// a transaction before sendmsg() returns, so it cannot be applied later.
std::optional<Failure> Marks::resolve(Status status, uint32_t base, std::span<const Element> rows, size_t removed,
                                      const Control& control) {
  Failure failure = failureOf(0, status, true);
  if (status.kind == netlink::FailureKind::aborted || status.kind == netlink::FailureKind::closed) {
    return failure; // the caller is not waiting any more
  }
  const Control look = resolveControl(control);
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
  if (!list(look, listed, now).status.ok() || !readObjects(channel_, table_, look, objects).status.ok()) {
    return failure;
  }
  const bool complete = isEmpty(missingObjects(objects, withExisting(needsOf(rows.subspan(removed)), objects)));
  if (complete && changeApplied(rows.first(removed), rows.subspan(removed), listed)) {
    return {};
  }
  if (now == base + 1 && objects.generation == now) {
    failure.unknown = false; // exactly one transaction was applied, and it was another one
  }
  return failure;
}

} // namespace nftables
