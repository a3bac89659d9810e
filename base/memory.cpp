#include "base/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

namespace mr {
namespace {

constexpr int64_t unknown = INT64_MAX / 2;

// The number at the start of a file of the kernel's; `otherwise` where there is none ("max", no such file).
int64_t number_in(const char* path, int64_t otherwise) {
  std::ifstream file(path);
  int64_t v = 0;
  return file >> v ? v : otherwise;
}

// The number behind the word that begins a line.
int64_t number_after(const char* path, const std::string& word, int64_t otherwise) {
  std::ifstream file(path);
  int64_t v = 0;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(word)) return std::sscanf(line.c_str() + word.size(), "%ld", &v) == 1 ? v : otherwise;
  return otherwise;
}

// Pages of files that the container read count as its own, but can be had back.
int64_t left_in_container(const char* most, const char* used, const char* details, const char* cached) {
  const int64_t limit = number_in(most, unknown);
  if (limit >= unknown) return unknown;
  return limit - number_in(used, 0) + number_after(details, cached, 0);
}

int64_t left_of_addresses() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unknown;
  return static_cast<int64_t>(limit.rlim_cur) - number_in("/proc/self/statm", 0) * sysconf(_SC_PAGESIZE);
}

}  // namespace

int64_t available_memory() {
  constexpr int64_t kB = 1024;
  int64_t least = number_after("/proc/meminfo", "MemAvailable:", unknown / kB) * kB;
  least = std::min(least, left_in_container("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat",
                                            "inactive_file "));
  least = std::min(least, left_in_container("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                                            "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file "));
  return std::max<int64_t>(std::min(least, left_of_addresses()), 0);
}

}  // namespace mr
