// A growing byte buffer. Large ones are mmap()ed: mremap() moves the pages, so growth copies nothing, and unwritten
// pages cost no memory. A vector would copy, hold the old and the new block at the same time, and zero-fill.
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

  // Appends `size` uninitialised bytes and returns their address. Invalidates earlier pointers into the buffer.
  [[nodiscard]] std::byte* append(size_t size) {
    if (size > capacity_ - size_) {
      setCapacity(std::max({size_ + size, capacity_ * 2, smallest}));
    }
    size_ += size;
    return data_ + (size_ - size);
  }

  // An empty buffer with capacity for `size` bytes, aligned for huge pages. For buffers that will be nearly filled: a
  // page fault costs more time than filling the page.
  [[nodiscard]] static Buffer huge(size_t size);

  // Shortens the content to `size` bytes; the capacity stays.
  void truncate(size_t size) { size_ = std::min(size, size_); }

  // Releases unused capacity.
  void fit() { setCapacity(size_); }

private:
  static constexpr size_t smallest = 1024;
  static constexpr size_t mappedFrom = size_t{64} * 1024; // capacity from which on the buffer is mmap()ed

  void setCapacity(size_t capacity);

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

} // namespace netlink
