// Memory of tensors on the device, taken and given back without waiting: a block that is given back may be taken again at once, and work
// that still uses it comes earlier on compute_stream(). Work on another stream must be ordered by events on both sides.
//
// cuda: segments of device memory, each run by a heap (tensor/heap.h), kept until the program ends; after the first steps nothing is asked of
// the driver. emulated: each block is an allocation of its own, so that what lies beside it is watched.
#pragma once

#include <cstddef>

#include "tensor/allocator_stats.h"

namespace mr::gpu {

std::byte* take_block(size_t bytes);  // errors: out of memory, with the statistics
void give_back_block(std::byte* p, size_t bytes) noexcept;
AllocatorStats block_stats();
void reserve_block_headroom(double share);  // cuda: a segment that holds this share of what is reserved

// Memory that outlives its tensors (graph.h): blocks taken while a pool is open, by this or another thread, are of the pool, and what is given
// back meanwhile, from it or not, is used again by nobody but the pool until it is released.
struct BlockPool;
BlockPool* open_pool();
void close_pool() noexcept;
void release_pool(BlockPool* pool) noexcept;

}  // namespace mr::gpu
