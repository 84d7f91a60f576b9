#include "netlink/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace netlink {
namespace {

std::byte* checked(void* memory) {
  if (memory == nullptr || memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  return static_cast<std::byte*>(memory);
}

std::byte* newPages(size_t size) {
  return checked(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

constexpr size_t hugePage = size_t{2} << 20;

} // namespace

Buffer Buffer::huge(size_t size) {
  Buffer buffer;
  if (size < hugePage) {
    buffer.setCapacity(size);
    return buffer;
  }
  std::byte* pages = newPages(size + hugePage);
  const size_t before = hugePage - reinterpret_cast<uintptr_t>(pages) % hugePage; // at least a page
  munmap(pages, before);
  if (before < hugePage) {
    munmap(pages + before + size, hugePage - before);
  }
  buffer.data_ = pages + before;
  buffer.capacity_ = size;
  return buffer;
}

void Buffer::setCapacity(size_t capacity) {
  const bool paged = capacity_ >= mappedFrom;
  if (capacity == capacity_) {
    return;
  }
  if (capacity >= mappedFrom && paged) {
    data_ = checked(mremap(data_, capacity_, capacity, MREMAP_MAYMOVE));
  } else if (capacity != 0 && capacity < mappedFrom && !paged) {
    data_ = checked(std::realloc(data_, capacity));
  } else {
    std::byte* moved = nullptr;
    if (capacity != 0) {
      moved = capacity >= mappedFrom ? newPages(capacity) : checked(std::malloc(capacity));
    }
    if (const size_t kept = std::min(size_, capacity); kept != 0) {
      std::memcpy(moved, data_, kept);
    }
    if (paged) {
      munmap(data_, capacity_);
    } else {
      std::free(data_);
    }
    data_ = moved;
  }
  capacity_ = capacity;
}

} // namespace netlink
