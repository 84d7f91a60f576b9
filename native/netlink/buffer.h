// Bytes that grow where they are. A long one is pages of its own: the kernel moves them to where there is more room, so
// growing copies nothing, and pages that were taken ahead cost nothing before they are written to. A vector would copy,
// hold the old and the new while it does, and write zeros first.
#pragma once

#include "netlink/attribute.h"

#include <algorithm>
#include <utility>

namespace netlink {

class Buffer {
public:
  Buffer() = default;
  explicit Buffer(Bytes content) {
    if (!content.empty()) {
      std::ranges::copy(content, append(content.size()));
    }
  }
  ~Buffer() { setCapacity(0); }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Room for `size` bytes at the end, to be written by the caller. Moves what is there.
  [[nodiscard]] std::byte* append(size_t size) {
    if (size > capacity_ - size_) {
      setCapacity(std::max({size_ + size, capacity_ * 2, smallest}));
    }
    size_ += size;
    return data_ + (size_ - size);
  }

  // An empty buffer with room for `size` bytes in huge pages, as far as there are any: for who will write most of them.
  // Taking a page takes longer than filling it.
  [[nodiscard]] static Buffer huge(size_t size);

  // Forgets what stands behind the first `size` bytes, and keeps the room.
  void truncate(size_t size) { size_ = std::min(size, size_); }

  // Gives the room back that is not used.
  void fit() { setCapacity(size_); }

private:
  static constexpr size_t smallest = 1024;
  static constexpr size_t ownPages = size_t{64} * 1024; // from here on

  void setCapacity(size_t capacity);

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

} // namespace netlink
