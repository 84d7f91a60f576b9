// The connections seen so far in a pass: the kernel prints some twice if the table changes during the pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ipvs {

// A set of 64-bit fingerprints, 11 to 21 bytes each. With a million connections, a collision (which loses a row) occurs
// once in thirty million passes.
class Seen {
public:
  // Prefetches the memory for insert().
  void prefetch(uint64_t fingerprint) const {
    if (!slots_.empty()) {
      __builtin_prefetch(&slots_[slotOf(fingerprint)], 1);
    }
  }

  // False: already present.
  bool insert(uint64_t fingerprint) {
    fingerprint += fingerprint == 0 ? 1 : 0; // zero marks free slots
    if ((count_ + 1) * 4 > slots_.size() * 3) {
      grow();
    }
    if (!place(fingerprint)) {
      return false;
    }
    ++count_;
    return true;
  }

  void clear() { *this = {}; }

private:
  // Uses the highest bits, so that growing accesses both tables sequentially.
  [[nodiscard]] size_t slotOf(uint64_t fingerprint) const { return fingerprint >> shift_; }

  bool place(uint64_t fingerprint) {
    const size_t mask = slots_.size() - 1;
    size_t slot = slotOf(fingerprint);
    for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
      if (slots_[slot] == fingerprint) {
        return false;
      }
    }
    slots_[slot] = fingerprint;
    return true;
  }

  void grow() {
    std::vector<uint64_t> old(slots_.empty() ? 256 : slots_.size() * 2);
    old.swap(slots_);
    shift_ = old.empty() ? 56 : shift_ - 1;
    for (const uint64_t fingerprint : old) {
      if (fingerprint != 0) {
        (void)place(fingerprint);
      }
    }
  }

  std::vector<uint64_t> slots_;
  size_t count_ = 0;
  int shift_ = 0; // 64 - log2(number of slots)
};

} // namespace ipvs
