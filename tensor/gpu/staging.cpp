#include "tensor/gpu/staging.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <mutex>
#include <utility>

namespace mr::gpu {

struct Staged::Block {
  explicit Block(size_t bytes) : memory(bytes) {}
  PinnedArray<std::byte> memory;
  Event copied;  // the last copy out of it
  bool owned = false;
  bool free() const { return !owned && (!copied.recorded() || copied.passed()); }
};

struct Staged::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Block>> all;

  // One of that size, rounded up to a power of two.
  Block* take(size_t bytes) {
    const size_t size = std::bit_ceil(bytes);
    const std::lock_guard lock(mutex);
    auto found = std::ranges::find_if(all, [size](const auto& b) { return b->memory.size() == size && b->free(); });
    if (found == all.end()) found = all.insert(found, std::make_unique<Block>(size));
    (*found)->owned = true;
    return found->get();
  }
  void give_back(Block* b) {
    const std::lock_guard lock(mutex);
    b->owned = false;
  }
};

// Never destroyed: the device may still read from it.
Staged::Pool& Staged::pool() {
  static auto* all = new Pool;
  return *all;
}

Staged::Staged(const void* from, size_t bytes) : block_(pool().take(bytes)), bytes_(bytes) {
  if (bytes > 0) std::memcpy(block_->memory.data(), from, bytes);
}

Staged::~Staged() { pool().give_back(block_); }

void Staged::copy_to(void* to, Stream& stream) const {
  if (stream_ && stream_ != stream.handle())
    throw GpuError("copy_to", "Staged", "copy_to: expected the stream of the earlier copies, whose end frees the memory, got another");
  stream_ = stream.handle();
  copy_async(to, block_->memory.data(), bytes_, Copy::to_device, stream);
  block_->copied.record(stream);
}

void upload(void* to, const void* from, size_t bytes, Stream& stream) {
  if (bytes > 0) Staged(from, bytes).copy_to(to, stream);
}

void download(std::span<const Download> all, Stream& stream) {
  size_t bytes = 0;
  for (const Download& d : all) bytes += d.bytes;
  if (bytes == 0) return;
  static std::mutex mutex;
  static auto* kept = new std::vector<std::unique_ptr<PinnedArray<std::byte>>>;  // smaller ones stay: freeing one would wait
  const std::lock_guard lock(mutex);
  if (kept->empty() || kept->back()->size() < bytes) kept->push_back(std::make_unique<PinnedArray<std::byte>>(std::bit_ceil(bytes)));
  const PinnedArray<std::byte>& staged = *kept->back();
  std::byte* at = staged.data();
  for (const Download& d : all) {
    copy_async(at, d.from, d.bytes, Copy::to_host, stream);
    at += d.bytes;
  }
  stream.synchronize();
  at = staged.data();
  for (const Download& d : all) {
    std::memcpy(d.to, at, d.bytes);
    at += d.bytes;
  }
}

}  // namespace mr::gpu
