// Copies between pageable memory of the host and the device, through pinned memory that is kept.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/gpu/runtime.h"

namespace mr::gpu {

// `from` is copied into pinned memory at once and may change; the rest of the way is queued, and nothing waits. The pinned memory is used again when
// the device is done with it: as much is kept as was ever under way at one time.
void upload(void* to, const void* from, size_t bytes, Stream& stream);

struct Download {
  void* to;
  const void* from;
  size_t bytes;
};
void download(std::span<const Download> all, Stream& stream);  // waits for the stream, once

}  // namespace mr::gpu
