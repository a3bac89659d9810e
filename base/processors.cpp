#include "base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/check.h"

namespace mr {
namespace {

// The mask is as long as the kernel asks: machines with more than CPU_SETSIZE processors exist.
int allowed_processors() {
  for (int most = 1024; most <= 1 << 20; most *= 4) {
    std::vector<cpu_set_t> set(static_cast<size_t>(most) / (8 * sizeof(cpu_set_t)) + 1);
    const size_t bytes = set.size() * sizeof(cpu_set_t);
    CPU_ZERO_S(bytes, set.data());
    if (sched_getaffinity(0, bytes, set.data()) == 0) return std::max(CPU_COUNT_S(bytes, set.data()), 1);
    if (errno != EINVAL) break;
  }
  return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

// The files of one line each: "150000 100000", "max 100000", "-1".
std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

double share_of_group(const std::string& folder) {
  std::string quota, period;
  std::istringstream(first_line(folder + "/cpu.max")) >> quota >> period;
  if (quota.empty()) {
    quota = first_line(folder + "/cpu.cfs_quota_us");
    period = first_line(folder + "/cpu.cfs_period_us");
  }
  const double q = std::strtod(quota.c_str(), nullptr), p = std::strtod(period.c_str(), nullptr);  // "max" reads as 0
  return q > 0 && p > 0 ? q / p : 0;
}

}  // namespace

double control_group_share(const std::string& membership, const std::string& root) {
  double share = 0;
  const auto take = [&share](double s) {
    if (s > 0) share = share > 0 ? std::min(share, s) : s;
  };
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "0::/a/b" of version 2, "4:cpu,cpuacct:/a/b" of version 1
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && str(",", controllers, ",").find(",cpu,") == std::string::npos) continue;
    const std::string mount = unified ? root : str(root, "/", controllers);
    for (std::string path = line.substr(second + 1); !path.empty(); path.resize(path.rfind('/')))  // the group and those above it
      if (path != "/") take(share_of_group(mount + path));
    take(share_of_group(mount));  // within a container its own group is the root of what it sees
  }
  return share;
}

int processors() {
  static const int count = [] {
    std::ifstream file("/proc/self/cgroup");
    std::ostringstream membership;
    membership << file.rdbuf();
    const double share = control_group_share(membership.str());
    const int allowed = allowed_processors();
    return share > 0 ? std::clamp(static_cast<int>(std::ceil(share - 1e-6)), 1, allowed) : allowed;
  }();
  return count;
}

}  // namespace mr
