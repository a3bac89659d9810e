// Copies between pageable memory of the host and the device, through pinned memory that is kept.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/gpu/runtime.h"

namespace mr::gpu {

// Bytes in pinned memory, on their way to the device. Any thread may make and destroy one. The memory comes from a pool, and is given out again when
// its owner has gone and the device is done with it: of each size (a power of two) as much is kept as was ever in use at one time.
class Staged {
 public:
  Staged(const void* from, size_t bytes);  // copies them
  ~Staged();
  Staged(const Staged&) = delete;
  Staged& operator=(const Staged&) = delete;
  size_t bytes() const { return bytes_; }
  void copy_to(void* to, Stream& stream) const;  // queued. Errors: another stream than at an earlier call

 private:
  struct Block;
  struct Pool;
  static Pool& pool();
  Block* block_;
  size_t bytes_;
  mutable void* stream_ = nullptr;  // of its copies
};

// The same at one go: `from` may change at once, and nothing waits.
void upload(void* to, const void* from, size_t bytes, Stream& stream);

struct Download {
  void* to;
  const void* from;
  size_t bytes;
};
void download(std::span<const Download> all, Stream& stream);  // waits for the stream, once

}  // namespace mr::gpu
