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

} // namespace

void Buffer::setCapacity(size_t capacity) {
  const bool paged = capacity_ >= ownPages;
  if (capacity == capacity_) {
    return;
  }
  if (capacity >= ownPages && paged) {
    data_ = checked(mremap(data_, capacity_, capacity, MREMAP_MAYMOVE));
  } else if (capacity != 0 && capacity < ownPages && !paged) {
    data_ = checked(std::realloc(data_, capacity));
  } else {
    std::byte* moved = nullptr;
    if (capacity != 0) {
      moved = capacity >= ownPages ? newPages(capacity) : checked(std::malloc(capacity));
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
