// How many processors this process may use at once: what a `threads = 0` means.
//
//   the processors that it may run on     sched_getaffinity: taskset, a container's cpuset,
//                                         a batch system's binding
//   its control group's share of time     cpu.max (version 2) or cpu.cfs_quota_us (version 1),
//                                         the least of the group's and of all above it, rounded up:
//                                         a container with 1.5 processors has work for two threads
#pragma once

#include <string>

namespace mr {

int processors();  // at least 1; asked once, when first wanted

// The share, in processors, that the control groups named in `membership` (a text like
// /proc/self/cgroup) leave; 0: no limit. Their file systems are mounted at `root`.
double control_group_share(const std::string& membership, const std::string& root = "/sys/fs/cgroup");

}  // namespace mr
