#include "app/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace mr::app {
namespace {

// Asking that often takes about a tenth of a millisecond, which covers the gap between two loops.
// Measured: more costs speed beside other processes, less costs it alone, as waking up takes its time.
constexpr const char* asks_before_sleep = "3000";

void sleep_while_waiting(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  std::error_code unknown;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (unknown || setenv("GOMP_SPINCOUNT", asks_before_sleep, 1) != 0) return;
  execv(program.c_str(), argv);  // returns only where it fails; then all goes on as it is
}

}  // namespace

void prepare_process(char** argv) {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", O_RDWR);  // gets the lowest free number: this one
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sleep_while_waiting(argv);
}

}  // namespace mr::app
