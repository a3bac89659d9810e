#include "tensor/gpu/emulated/fault.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tensor/gpu/emulated/device.h"

namespace mr::gpu::emulated {
namespace {

struct sigaction before;  // who had the signal when we last took it

const char* access(const void* context) {
#if defined(__x86_64__)
  const auto* c = static_cast<const ucontext_t*>(context);
  return (c->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? "wrote" : "read";
#else
  (void)context;
  return "read or wrote";
#endif
}

// The fault is at an instruction of the host's own, not inside an allocator, so building a string here is as safe as anywhere.
void on_fault(int signal, siginfo_t* info, void* context) {
  const DeviceMemory& memory = Device::get().memory;
  if (!memory.in_range(info->si_addr)) {
    sigaction(signal, &before, nullptr);  // the instruction runs again, and the fault is the other's
    return;
  }
  const std::string text = str("emulated device: host ", access(context), " device memory at ", memory.describe(info->si_addr),
                               "; expected a kernel or copy_async\n");
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(STDERR_FILENO, text.data() + done, text.size() - done);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  std::abort();
}

}  // namespace

// Test frameworks and sanitizers take the signal too, and give it back as they found it; so it is looked at anew each time.
void watch_faults() {
  struct sigaction now {};
  sigaction(SIGSEGV, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault) return;
  struct sigaction ours {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&ours.sa_mask);
  sigaction(SIGSEGV, &ours, &before);
}

}  // namespace mr::gpu::emulated
