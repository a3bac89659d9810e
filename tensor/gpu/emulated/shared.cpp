#include "tensor/gpu/emulated/shared.h"

#include "tensor/gpu/emulated/block.h"

namespace mr::gpu::emulated {

const SharedSpan& carve(int64_t count, int element, size_t align, const Location& at) {
  Thread& t = thread();
  return t.block->arena().carve(t, count, element, align, at);
}

void read_shared(const SharedSpan& a, int64_t i, int n, void* to, const Location& at) {
  Thread& t = thread();
  Arena& arena = t.block->arena();
  arena.read(t, a, i, n, at);
  std::memcpy(to, arena.data(a, i), static_cast<size_t>(n) * static_cast<size_t>(a.element));
  if (t.block->counts()) t.log.add(at, false, Space::shared, a.offset + static_cast<uint64_t>(i * a.element), n * a.element);
}

void write_shared(const SharedSpan& a, int64_t i, int n, const void* from, const Location& at) {
  Thread& t = thread();
  Arena& arena = t.block->arena();
  arena.write(t, a, i, n, at);
  std::memcpy(arena.data(a, i), from, static_cast<size_t>(n) * static_cast<size_t>(a.element));
  if (t.block->counts()) t.log.add(at, true, Space::shared, a.offset + static_cast<uint64_t>(i * a.element), n * a.element);
}

void* update_shared(const SharedSpan& a, int64_t i, const Location& at) {
  Thread& t = thread();
  t.block->arena().update(t, a, i, at);
  return t.block->arena().data(a, i);
}

}  // namespace mr::gpu::emulated
