#include "tensor/gpu/staging.h"

#include <bit>
#include <memory>
#include <mutex>
#include <utility>

namespace mr::gpu {
namespace {

struct Staged {
  explicit Staged(size_t bytes) : memory(bytes) {}
  PinnedArray<std::byte> memory;
  Event copied;  // the last copy out of it
};

// Never destroyed: the device may still read from it.
struct Staging {
  std::mutex mutex;
  std::vector<std::unique_ptr<Staged>> all;

  // One of that size, rounded up to a power of two, that is free.
  Staged& take(size_t bytes) {
    const size_t size = std::bit_ceil(bytes);
    for (const auto& s : all)
      if (s->memory.size() == size && (!s->copied.recorded() || s->copied.passed())) return *s;
    return *all.emplace_back(std::make_unique<Staged>(size));
  }
};

}  // namespace

void upload(void* to, const void* from, size_t bytes, Stream& stream) {
  if (bytes == 0) return;
  static auto* staging = new Staging;
  const std::lock_guard lock(staging->mutex);
  Staged& s = staging->take(bytes);
  std::memcpy(s.memory.data(), from, bytes);
  copy_async(to, s.memory.data(), bytes, Copy::to_device, stream);
  s.copied.record(stream);
}

void download(std::span<const Download> all, Stream& stream) {
  size_t bytes = 0;
  for (const Download& d : all) bytes += d.bytes;
  if (bytes == 0) return;
  static std::mutex mutex;
  static PinnedArray<std::byte>* staged = nullptr;
  const std::lock_guard lock(mutex);
  if (!staged || staged->size() < bytes) {
    delete std::exchange(staged, nullptr);
    staged = new PinnedArray<std::byte>(std::bit_ceil(bytes));
  }
  std::byte* at = staged->data();
  for (const Download& d : all) {
    copy_async(at, d.from, d.bytes, Copy::to_host, stream);
    at += d.bytes;
  }
  stream.synchronize();
  at = staged->data();
  for (const Download& d : all) {
    std::memcpy(d.to, at, d.bytes);
    at += d.bytes;
  }
}

}  // namespace mr::gpu
