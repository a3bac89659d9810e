#include "tensor/gpu/emulated/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "tensor/asan.h"
#include "tensor/gpu/emulated/block.h"
#include "tensor/gpu/emulated/device.h"
#include "tensor/gpu/emulated/fault.h"

namespace mr::gpu::emulated {
namespace {

constexpr size_t page = 4096;
constexpr size_t red_zone = 256;  // at least; up to the end of the page
constexpr int red = 0xa5;
constexpr size_t most = size_t{64} << 30;  // of addresses, not of memory

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

std::byte* map(size_t& capacity) {
  for (capacity = most;; capacity /= 2) {
    void* p = mmap(nullptr, capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED) return static_cast<std::byte*>(p);
    check(capacity > (size_t{1} << 20), "emulated device: the system gives no range of addresses");
  }
}

// ASan, which sees most accesses itself, is not to see this one.
[[gnu::no_sanitize_address]] const std::byte* first_not_red(const std::byte* begin, const std::byte* end) {
  for (const std::byte* p = begin; p != end; ++p)
    if (*p != std::byte{red}) return p;
  return nullptr;
}

}  // namespace

DeviceMemory::DeviceMemory() : base_(map(capacity_)), heap_(capacity_) {}

std::byte* DeviceMemory::take(size_t asked, const Location& at) {
  const size_t bytes = std::max<size_t>(asked, 1);  // so that every allocation has an address of its own
  const size_t whole = round_up(bytes + red_zone, page);
  const auto offset = heap_.take(whole);
  check(offset.has_value(), "allocate_device: out of memory on the emulated device for ", bytes, " bytes");
  std::byte* p = base_ + *offset;
  const OpenMemory open_now(*this);
  asan_unpoison(p, whole);
  std::memset(p, poison, bytes);
  std::memset(p + bytes, red, whole - bytes);
  asan_poison(p + bytes, whole - bytes);
  allocations_[reinterpret_cast<uintptr_t>(p)] = {p, bytes, whole, at};
  return p;
}

void DeviceMemory::give_back(void* p) {
  const auto found = allocations_.find(reinterpret_cast<uintptr_t>(p));
  check(found != allocations_.end(), "free_device: expected the start of an allocation, got ", describe(p));
  const auto offset = static_cast<size_t>(found->second.begin - base_);
  asan_poison(p, found->second.whole);
  allocations_.erase(found);
  heap_.give_back(offset);
}

const DeviceMemory::Allocation* DeviceMemory::find(const void* p) const {
  const auto address = reinterpret_cast<uintptr_t>(p);
  const auto next = allocations_.upper_bound(address);
  if (next == allocations_.begin()) return nullptr;
  const Allocation& a = std::prev(next)->second;
  return address - reinterpret_cast<uintptr_t>(a.begin) < a.bytes ? &a : nullptr;
}

bool DeviceMemory::holds(const void* p, size_t bytes) const {
  const Allocation* a = find(p);
  return a && bytes <= a->bytes - static_cast<size_t>(static_cast<const std::byte*>(p) - a->begin);
}

std::string DeviceMemory::describe(const void* p) const {
  const std::string address = hex(p);
  if (!in_range(p)) return str(address, ", which is not device memory");
  const auto next = allocations_.upper_bound(reinterpret_cast<uintptr_t>(p));
  if (next == allocations_.begin()) return str(address, ", device memory that is not allocated");
  const Allocation& a = std::prev(next)->second;
  const auto offset = static_cast<size_t>(static_cast<const std::byte*>(p) - a.begin);
  if (offset >= a.whole) return str(address, ", device memory that is not allocated");
  return str(address, ", byte ", offset, " of the allocation of ", a.bytes, " bytes made at ", place(a.at));
}

bool DeviceMemory::protect(int protection) {
  return heap_.extent() == 0 || mprotect(base_, round_up(heap_.extent(), page), protection) == 0;
}

void DeviceMemory::open() {
  ++opened_;
  const bool done = protect(PROT_READ | PROT_WRITE);  // also when it was open: the range may have grown
  check(done, "emulated device: mprotect failed: ", std::strerror(errno));
}

void DeviceMemory::close() noexcept {
  if (--opened_ > 0) return;
  if (!protect(PROT_NONE)) {  // then nothing would see a host that touches it
    std::perror("emulated device: mprotect");
    std::abort();
  }
  watch_faults();
}

void DeviceMemory::check_red_zones(const std::string& op) const {
  for (const auto& [address, a] : allocations_) {
    const std::byte* bad = first_not_red(a.begin + a.bytes, a.begin + std::min(a.bytes + 2 * red_zone, a.whole));
    if (bad) throw GpuError(op, "emulated", str(op, ": expected writes within allocations, got one to ", describe(bad)));
  }
}

void check_device_access(const void* p, size_t bytes, const char* what, Touch how, const Location& at) {
  const Thread& t = thread();
  if (Touched* touched = t.block->touched()) touched->add(how, p, bytes);
  if (reinterpret_cast<uintptr_t>(p) % bytes != 0) [[unlikely]]
    fail_in(t, at, what, ": ", bytes, " bytes of device memory must be aligned to their size, got ", Device::get().memory.describe(p));
  thread_local const std::byte* begin = nullptr;  // of the allocation that was used last
  thread_local size_t length = 0;
  thread_local uint64_t seen = 0;
  const Device& device = Device::get();
  const auto offset = static_cast<size_t>(static_cast<const std::byte*>(p) - begin);
  if (seen == device.memory_version && offset < length && offset + bytes <= length) [[likely]]
    return;
  if (!device.memory.holds(p, bytes))
    fail_in(t, at, what, ": expected ", bytes, " bytes of one allocation of device memory, got ", device.memory.describe(p));
  const DeviceMemory::Allocation* a = device.memory.find(p);
  begin = a->begin;
  length = a->bytes;
  seen = device.memory_version;
}

void load_device(const void* p, size_t bytes, void* to, const Location& at) {
  check_device_access(p, bytes, "load", Touch::read, at);
  std::memcpy(to, p, bytes);
  Thread& t = thread();
  if (t.block->counts()) t.log.add(at, false, Space::global, reinterpret_cast<uintptr_t>(p), static_cast<int>(bytes));
}

void store_device(void* p, size_t bytes, const void* from, const Location& at) {
  check_device_access(p, bytes, "store", Touch::write, at);
  std::memcpy(p, from, bytes);
  Thread& t = thread();
  if (t.block->counts()) t.log.add(at, true, Space::global, reinterpret_cast<uintptr_t>(p), static_cast<int>(bytes));
}

void check_shared_alignment(const SharedSpan& a, int64_t i, size_t bytes, const Location& at) {
  const int64_t offset = static_cast<int64_t>(a.offset) + i * a.element;
  if (offset % static_cast<int64_t>(bytes) != 0)
    fail_in(thread(), at, "shared array ", a.number, ", element ", i, ": ", bytes, " bytes must be aligned to their size, got byte ",
            offset, " of shared memory");
}

}  // namespace mr::gpu::emulated
