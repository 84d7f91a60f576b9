// Which connections a pass has met already: the kernel shows some twice when the table changes meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ipvs {

// A set of 64-bit fingerprints, 11 to 21 bytes for each. Among a million, two connections share one once in thirty
// million passes (and one of them would be missing).
class Seen {
public:
  // Starts to fetch the memory that insert() is going to need.
  void prefetch(uint64_t fingerprint) const {
    if (!slots_.empty()) {
      __builtin_prefetch(&slots_[slotOf(fingerprint)], 1);
    }
  }

  // False: it was there.
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
  // By the highest bits, so that growing walks both tables from start to end.
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
  int shift_ = 0; // 64 less the bits of a slot's number
};

} // namespace ipvs
