#include "tensor/gpu/emulated/fibre.h"

#include <sys/mman.h>

#include <boost/context/fiber.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "tensor/asan.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace mr::gpu::emulated {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t stack_size = size_t{512} << 10;  // its frames are some times larger
void start_switch(void** fake, const void* bottom, size_t bytes) { __sanitizer_start_switch_fiber(fake, bottom, bytes); }
void finish_switch(void* fake, const void** bottom, size_t* bytes) { __sanitizer_finish_switch_fiber(fake, bottom, bytes); }
#else
constexpr size_t stack_size = size_t{128} << 10;
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
#endif

// The lowest bytes of a stack, which nothing but an overflow writes. Not a guard page: a thousand stacks a processor would use up the
// number of mappings that the system allows.
constexpr unsigned char canary[64] = {0xc4, 0x4a, 0x4e, 0xa2, 0x1c, 0x33};

// Boost wants an allocator, to give back a stack that is ours.
struct KeepStack {
  boost::context::stack_context allocate() { return {}; }
  void deallocate(boost::context::stack_context&) noexcept {}
};

}  // namespace

struct Fibre::Impl {
  std::function<void()> body;
  boost::context::fiber inside, outside;
  std::byte* stack = nullptr;
  void* fake_inside = nullptr;
  void* fake_outside = nullptr;
  const void* outside_bottom = nullptr;
  size_t outside_bytes = 0;
  bool end = false;

  boost::context::fiber run(boost::context::fiber&& from) {
    finish_switch(nullptr, &outside_bottom, &outside_bytes);
    outside = std::move(from);
    while (!end) {
      body();
      leave();
    }
    start_switch(nullptr, outside_bottom, outside_bytes);
    return std::move(outside);
  }

  void leave() {
    start_switch(&fake_inside, outside_bottom, outside_bytes);
    outside = std::move(outside).resume();
    finish_switch(fake_inside, &outside_bottom, &outside_bytes);
  }

  void enter() {
    start_switch(&fake_outside, stack, stack_size);
    inside = std::move(inside).resume();
    finish_switch(fake_outside, nullptr, nullptr);
  }
};

size_t Fibre::stack_bytes() { return stack_size; }

Fibre::Fibre(std::function<void()> body) : impl_(std::make_unique<Impl>()) {
  Impl& m = *impl_;
  m.body = std::move(body);
  void* p = mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(p != MAP_FAILED, "launch: the system gives no stack of ", stack_size, " bytes for a thread of a kernel");
  m.stack = static_cast<std::byte*>(p);
  std::memcpy(m.stack, canary, sizeof canary);
  boost::context::stack_context context;
  context.sp = m.stack + stack_size;
  context.size = stack_size;
  m.inside = boost::context::fiber(std::allocator_arg, boost::context::preallocated(context.sp, context.size, context), KeepStack{},
                                   [&m](boost::context::fiber&& from) { return m.run(std::move(from)); });
}

Fibre::~Fibre() {
  Impl& m = *impl_;
  m.end = true;
  m.enter();
  asan_unpoison(m.stack, stack_size);
  munmap(m.stack, stack_size);
}

void Fibre::enter() {
  Impl& m = *impl_;
  m.enter();
  if (std::memcmp(m.stack, canary, sizeof canary) == 0) return;
  std::fprintf(stderr, "emulated device: a thread of a kernel needs more than its stack of %zu bytes\n", stack_size);
  std::abort();  // what lay behind the stack is overwritten
}

void Fibre::leave() { impl_->leave(); }

}  // namespace mr::gpu::emulated
