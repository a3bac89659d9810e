// Each check of the emulated device finds the mistake it is for, and names it: kernel, block, thread, file and line.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "base/files.h"
#include "tensor/asan.h"
#include "tensor/gpu/blas.h"
#include "tests/gpu/device.h"
#include "tests/gpu/kernels.h"

using namespace mr;
using namespace mr::gpu;
using Catch::Matchers::Contains;

namespace {

// The lines of planted.cu that hold the mistake.
std::vector<uint32_t> lines_of(const std::string& name) {
  const std::string text = read_text_file(std::string(MR_SOURCE_DIR) + "/tests/gpu/kernels/planted.cu");
  std::vector<uint32_t> lines;
  uint32_t number = 1;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    if (line.ends_with("// planted: " + name)) lines.push_back(number);
    begin = end + 1;
  }
  return lines;
}

// What a child that runs `body` says on its way out, and the signal that ended it.
template <class Body> std::string last_words(Body&& body, int& signal) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    std::signal(SIGABRT, SIG_DFL);
    body();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return text;
}

}  // namespace

TEST_CASE("every planted bug of a kernel is found under every order, and named", "[gpu]") {
  if (!is_emulated("the checks are the emulated device's")) return;
  for (const samples::Planted& bug : samples::planted_bugs()) {
    const auto lines = lines_of(bug.name);
    INFO(bug.name);
    REQUIRE(!lines.empty());
    for (uint64_t seed = 0; seed < 5; ++seed) {
      set_seed(seed);
      Stream stream;
      DeviceArray<float> x(1024);
      bug.launch(x.data(), stream);
      bool found = false;
      try {
        stream.synchronize();
      } catch (const KernelError& e) {
        found = true;
        const std::string what = e.what();
        INFO("seed " << seed << ": " << what);
        CHECK(what.find(bug.message) != std::string::npos);
        CHECK(what.find(std::string(bug.name) + ": block (") == 0);
        CHECK(what.find(", thread (") != std::string::npos);
        CHECK(what.find("planted.cu:" + std::to_string(e.place().line)) != std::string::npos);
        CHECK(std::find(lines.begin(), lines.end(), e.place().line) != lines.end());
        CHECK(e.place().kernel == bug.name);
      }
      INFO("seed " << seed);
      CHECK(found);
    }
  }
  set_seed(1);
}

TEST_CASE("an error of a kernel holds its place", "[gpu]") {
  if (!is_emulated("the checks are the emulated device's")) return;
  const auto bugs = samples::planted_bugs();
  const auto bug = std::find_if(bugs.begin(), bugs.end(), [](const auto& b) { return std::string(b.name) == "beyond_the_end"; });
  set_seed(0);
  Stream stream;
  DeviceArray<float> x(1024);
  bug->launch(x.data(), stream);
  try {
    stream.synchronize();
    FAIL("no error");
  } catch (const KernelError& e) {
    const std::string line = std::to_string(lines_of("beyond_the_end").front());
    CHECK(std::string(e.what()) == "beyond_the_end: block (0, 0, 0), thread (63, 0, 0), tests/gpu/kernels/planted.cu:" + line +
                                       ": shared array 0: index must be in [0, 64), got 64");
    CHECK(e.place().thread[0] == 63);
    CHECK(e.place().block[0] == 0);
    CHECK(e.op() == "beyond_the_end");
    CHECK(e.call() == "emulated");
  }
  set_seed(1);
}

TEST_CASE("what is only nearly wrong is not reported", "[gpu]") {
  if (!has_device()) return;
  for (const samples::Planted& call : samples::close_calls()) {
    INFO(call.name);
    under_every_order([&] {
      Stream stream;
      DeviceArray<float> x(1024);
      set_async(x.data(), 0, x.bytes(), stream);
      call.launch(x.data(), stream);
      return x.download(stream);
    });
  }
}

TEST_CASE("the device works on after an error", "[gpu]") {
  if (!is_emulated("a GPU's context is lost with its first error")) return;
  Stream stream, other;
  DeviceArray<float> x(1024);
  samples::planted_bugs().front().launch(x.data(), stream);
  samples::write_value(x.data(), 1024, 1, other);
  CHECK_THROWS_WITH(gpu::synchronize(), Contains("race"));
  samples::write_value(x.data(), 1024, 2, stream);
  const auto y = x.download(stream);
  CHECK(y.front() == 2);
  CHECK(y.back() == 2);
}

TEST_CASE("a write behind an allocation through a plain pointer is found after the kernel", "[gpu]") {
  if (!is_emulated("a GPU does not see it")) return;
  Stream stream;
  DeviceArray<float> x(100);
  asan_unpoison(x.data() + 100, sizeof(float));  // AddressSanitizer would find it first
  samples::write_behind(x.data(), 100, stream);
  CHECK_THROWS_WITH(stream.synchronize(), Contains("write_behind: expected writes within allocations") &&
                                              Contains("byte 400 of the allocation of 400 bytes") && Contains("planted_test.cpp"));
}

TEST_CASE("a host that touches device memory ends with a message", "[gpu]") {
  if (!is_emulated("a GPU's memory has no address here")) return;
  DeviceArray<float> x(25);
  int signal = 0;
  const std::string read = last_words([&] { std::printf("%f", static_cast<double>(x.data()[3])); }, signal);
  CHECK(signal == SIGABRT);
  CHECK_THAT(read, Contains("emulated device: host read device memory at 0x") &&
                       Contains("byte 12 of the allocation of 100 bytes made at") && Contains("planted_test.cpp"));
  const std::string written = last_words([&] { x.data()[24] = 1; }, signal);
  CHECK(signal == SIGABRT);
  CHECK_THAT(written, Contains("host wrote device memory at 0x") && Contains("byte 96"));
}

TEST_CASE("arguments of a launch are checked at once", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<float> x(8), y(8);
  CHECK_THROWS_WITH(samples::block_sum(x.data(), y.data(), 8, 0, stream),
                    Contains("block_sum: the grid must be within") && Contains("got (0, 1, 1)"));
  if (!is_emulated()) return;
  std::vector<float> host(8);
  CHECK_THROWS_WITH(samples::scale(host.data(), y.data(), 8, 1, stream), Contains("scale: argument 0 must point to device memory"));
}

TEST_CASE("a matrix product with a wrong leading dimension is refused", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<float> a(6 * 4), b(4 * 5), c(6 * 5);
  Gemm g;
  g.m = 6, g.n = 5, g.k = 4;
  g.a = a.data(), g.b = b.data(), g.c = c.data();
  g.lda = 4, g.ldb = 4, g.ldc = 6;  // lda as of a row-major a
  CHECK_THROWS_WITH(gemm(g, stream), Contains("gemm: lda must be at least the 6 rows of the matrix as stored, got 4"));
  g.lda = 6, g.ldb = 5;  // large enough to be taken, too large for the memory
  if (!is_emulated()) return;
  CHECK_THROWS_WITH(gemm(g, stream), Contains("gemm: B must be 96 bytes of one allocation of device memory, got") &&
                                         Contains("byte 0 of the allocation of 80 bytes"));
}
