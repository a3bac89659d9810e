#include "base/processors.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;

namespace {

struct Groups {  // a file system of control groups, drawn by hand
  test::Folder folder;
  std::string root = folder / "groups";
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    write_text_file(root + path, text + "\n");
  }
};

}  // namespace

TEST_CASE("processors: the least share of a group and those above it counts, in either version", "[processors]") {
  const Groups g;
  CHECK(control_group_share("0::/a/b\n", g.root) == 0);  // nothing there
  g.write("/a/b/cpu.max", "max 100000");
  CHECK(control_group_share("0::/a/b\n", g.root) == 0);
  g.write("/a/cpu.max", "150000 100000");
  CHECK(control_group_share("0::/a/b\n", g.root) == 1.5);
  g.write("/a/b/cpu.max", "20000 100000");
  CHECK(control_group_share("0::/a/b\n", g.root) == 0.2);
  CHECK(control_group_share("0::/a\n", g.root) == 1.5);
  CHECK(control_group_share("0::/\n", g.root) == 0);
  g.write("/cpu.max", "300000 100000");  // as a container sees its own
  CHECK(control_group_share("0::/\n", g.root) == 3);

  g.write("/cpu,cpuacct/x/cpu.cfs_quota_us", "-1");
  g.write("/cpu,cpuacct/x/cpu.cfs_period_us", "100000");
  CHECK(control_group_share("5:memory:/x\n4:cpu,cpuacct:/x\n", g.root) == 0);
  g.write("/cpu,cpuacct/x/cpu.cfs_quota_us", "250000");
  CHECK(control_group_share("5:memory:/x\n4:cpu,cpuacct:/x\n", g.root) == 2.5);
  CHECK(control_group_share("4:cpuset:/x\nno colon at all\n3:\n", g.root) == 0);
}

TEST_CASE("processors: those that the process may run on", "[processors]") {
  cpu_set_t mine;
  REQUIRE(sched_getaffinity(0, sizeof mine, &mine) == 0);
  if (CPU_COUNT(&mine) < 2) return skip("one processor");
  const pid_t child = fork();
  if (child == 0) {
    int first = 0;
    while (!CPU_ISSET(first, &mine)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    _exit(sched_setaffinity(0, sizeof one, &one) == 0 ? processors() : 99);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 1);
}
