// Streams, events, copies: on the emulated device everything queued is late, what nothing orders runs in any order, and may not meet.
#include <set>

#include "tensor/gpu/blas.h"
#include "tensor/gpu/graph.h"
#include "tensor/gpu/staging.h"
#include "tests/gpu/device.h"
#include "tests/gpu/kernels.h"

using namespace mr;
using namespace mr::gpu;
using Catch::Matchers::Contains;

namespace {

// One stream writes x, another makes y of it; with or without an event between. y[0].
float produce_and_consume(bool with_event) {
  Stream producer, consumer;
  Event written;
  DeviceArray<float> x(256), y(256);
  set_async(x.data(), 0, x.bytes(), producer);
  producer.synchronize();
  samples::write_value(x.data(), 256, 3, producer);
  written.record(producer);
  if (with_event) consumer.wait(written);
  samples::scale(x.data(), y.data(), 256, 2, consumer);
  const float first = y.download(consumer).front();
  gpu::synchronize();  // the producer may come last
  return first;
}

}  // namespace

TEST_CASE("a missing event is found under every order, and named", "[gpu]") {
  if (!is_emulated("a GPU may happen to run them in order")) return;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    INFO("seed " << seed);
    set_seed(seed);
    CHECK_THROWS_WITH(produce_and_consume(false), Contains("missing event: it") && Contains("write_value") && Contains("scale") &&
                                                      Contains("byte 0 of the allocation of 1024 bytes made at") &&
                                                      Contains("runtime_test.cpp") && Contains("on another stream"));
    CHECK(produce_and_consume(true) == 6);
  }
  set_seed(1);
}

TEST_CASE("a missing event is found whatever meets: copies, fills, products, atomics, memory that goes", "[gpu]") {
  if (!is_emulated("a GPU may happen to run them in order")) return;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    INFO("seed " << seed);
    set_seed(seed);
    Stream a, b;
    DeviceArray<float> x(64), y(64), z(64);
    PinnedArray<float> host(64);
    synchronize();

    samples::write_value(x.data(), 64, 1, a);
    copy_async(host.data(), x.data(), x.bytes(), Copy::to_host, b);
    CHECK_THROWS_WITH(synchronize(), Contains("missing event") && Contains("copy_async") && Contains("write_value"));

    copy_async(host.data(), x.data(), x.bytes(), Copy::to_host, a);
    copy_async(y.data(), host.data(), y.bytes(), Copy::to_device, b);
    CHECK_THROWS_WITH(synchronize(), Contains("copy_async: missing event") && Contains("pinned memory at 0x"));

    set_async(x.data(), 0, x.bytes(), a);
    set_async(x.data() + 63, 1, 4, b);
    CHECK_THROWS_WITH(synchronize(), Contains("set_async: missing event: it writes") && Contains("byte 252 of") && Contains("written by"));

    Gemm g;
    g.m = g.n = g.k = g.lda = g.ldb = g.ldc = 8;
    g.a = x.data(), g.b = y.data(), g.c = z.data();
    gemm(g, a);
    set_async(y.data() + 60, 1, 4, b);
    CHECK_THROWS_WITH(synchronize(), Contains("missing event") && Contains("gemm") && Contains("set_async") && Contains("byte 240 of"));

    DeviceArray<int> count(256);
    DeviceArray<uint8_t> values(1000);
    set_async(values.data(), 0, values.bytes(), b);
    synchronize();
    samples::histogram(values.data(), count.data(), 1000, a);
    set_async(count.data(), 0, count.bytes(), b);
    CHECK_THROWS_WITH(synchronize(), Contains("missing event") && Contains("histogram") && Contains("updat"));

    void* gone = allocate_device(256);
    set_async(gone, 0, 256, a);
    free_device(gone, b);
    CHECK_THROWS_WITH(synchronize(), Contains("missing event") && Contains("free_device") && Contains("set_async"));
    void* next = allocate_device(256);  // what was freed is free, whatever was found
    CHECK(next == gone);
    free_device(next);

    gone = allocate_device(256);
    free_device(gone, a);
    set_async(gone, 0, 256, a);
    set_async(x.data(), 0, x.bytes(), b);  // while another stream works
    CHECK_THROWS_WITH(synchronize(), Contains("set_async: it writes") && Contains("freed by free_device before"));
  }
  set_seed(1);
}

TEST_CASE("a missing event is found behind a stream that is no more", "[gpu]") {
  if (!is_emulated("a GPU may happen to run them in order")) return;
  DeviceArray<float> x(64);
  Stream b;
  {
    Stream a;
    samples::write_value(x.data(), 64, 1, a);
  }
  samples::write_value(x.data(), 64, 2, b);
  CHECK_THROWS_WITH(b.synchronize(), Contains("missing event"));
}

TEST_CASE("streams that an event or the host orders, or whose bytes do not meet, are not reported", "[gpu]") {
  if (!has_device()) return;
  under_every_order([] {
    Stream a, b, c;
    DeviceArray<float> x(64), y(64);
    DeviceArray<int> count(256);
    DeviceArray<uint8_t> values(1000);
    set_async(count.data(), 0, count.bytes(), a);
    set_async(values.data(), 3, values.bytes(), a);
    a.synchronize();  // the host orders

    samples::write_value(x.data(), 32, 1, a);  // halves
    samples::write_value(x.data() + 32, 32, 2, b);
    samples::histogram(values.data(), count.data(), 1000, a);  // both read the values, and add to the count by atomics
    samples::histogram(values.data(), count.data(), 1000, b);
    Event of_a, of_b;
    of_a.record(a);
    of_b.record(b);
    b.wait(of_a);
    of_a.record(b);  // stands for both
    c.wait(of_a);
    samples::scale(x.data(), y.data(), 64, 10, c);
    Event of_c;
    of_c.record(c);
    of_c.synchronize();  // which orders a and b too
    samples::write_value(x.data(), 64, 5, a);
    while (!of_b.passed()) gpu::synchronize();
    auto result = y.download(b);
    result.push_back(static_cast<float>(count.download(c)[3]));
    CHECK(result[0] == 10);
    CHECK(result[63] == 20);
    CHECK(result[64] == 2000);
    return result;
  });
}

TEST_CASE("an event orders two streams", "[gpu]") {
  if (!has_device()) return;
  CHECK(produce_and_consume(true) == 6);
}

TEST_CASE("a stream that waits twice on one event waits for the record before each", "[gpu]") {
  if (!has_device()) return;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    if constexpr (built == Built::emulated) set_seed(seed);
    Stream a, b;
    Event e;
    DeviceArray<float> x(64), y(64), z(64);
    samples::write_value(x.data(), 64, 1, a);
    e.record(a);
    b.wait(e);
    samples::scale(x.data(), y.data(), 64, 10, b);
    Event read;
    read.record(b);
    a.wait(read);
    samples::write_value(x.data(), 64, 2, a);
    e.record(a);
    b.wait(e);
    samples::scale(x.data(), z.data(), 64, 10, b);
    CHECK(y.download(b).front() == 10);
    CHECK(z.download(b).front() == 20);
  }
  if constexpr (built == Built::emulated) set_seed(1);
}

TEST_CASE("a copy lands when it is waited for, not before", "[gpu]") {
  if (!is_emulated("a GPU may be quick")) return;
  Stream stream;
  DeviceArray<float> x(16);
  PinnedArray<float> in(16), out(16);
  for (size_t i = 0; i < 16; ++i) in[i] = 1, out[i] = -1;
  copy_async(x.data(), in.data(), in.bytes(), Copy::to_device, stream);
  copy_async(out.data(), x.data(), out.bytes(), Copy::to_host, stream);
  CHECK(out[0] == -1);
  in[0] = 7;  // too early: the copy has yet to read it
  stream.synchronize();
  CHECK(out[0] == 7);
  CHECK(out[15] == 1);
}

TEST_CASE("an upload takes the bytes at once and does not wait", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<int32_t> x(3 * 40);
  std::vector<int32_t> in(40);
  const int64_t before = host_waits();
  for (int32_t i = 0; i < 3; ++i) {
    in.assign(40, i);
    upload(x.data() + 40 * i, in.data(), 40 * sizeof(int32_t), stream);
  }
  in.assign(40, -1);  // too late to matter
  CHECK(host_waits() == before);
  const auto y = x.download(stream);
  CHECK(host_waits() > before);
  CHECK(std::vector<int32_t>{y[0], y[39], y[40], y[79], y[80], y[119]} == std::vector<int32_t>{0, 0, 1, 1, 2, 2});
}

TEST_CASE("an event has passed once its stream has come by", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  Event event;
  CHECK_THROWS_WITH(event.passed(), Contains("passed: expected an event that was recorded"));
  DeviceArray<float> x(16);
  set_async(x.data(), 0, x.bytes(), stream);
  event.record(stream);
  if (built == Built::emulated) CHECK(!event.passed());
  stream.synchronize();
  CHECK(event.passed());
}

TEST_CASE("copies to, from and on the device, and fills", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  const auto x = random_values<float>(1000, 1);
  DeviceArray<float> a(1000), b(1000);
  a.upload(x, stream);
  set_async(b.data(), 0, b.bytes(), stream);
  copy_async(b.data() + 10, a.data(), 500 * sizeof(float), Copy::on_device, stream);
  const auto y = b.download(stream);
  CHECK(y[9] == 0);
  CHECK(y[10] == x[0]);
  CHECK(y[509] == x[499]);
  CHECK(y[510] == 0);
}

TEST_CASE("copies that cannot be right are refused", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<float> x(16);
  std::vector<float> pageable(16);
  PinnedArray<float> pinned(16);
  CHECK_THROWS_WITH(copy_async(x.data(), pageable.data(), 64, Copy::to_device, stream),
                    Contains("copy_async: the host's side must be 64 bytes of pinned memory"));
  CHECK_THROWS_WITH(x.upload(std::vector<float>(15), stream), Contains("upload: expected 16 values, got 15"));
  if (!is_emulated()) return;
  CHECK_THROWS_WITH(copy_async(x.data() + 1, pinned.data(), 64, Copy::to_device, stream),
                    Contains("copy_async: expected 64 bytes of one allocation of device memory, got") &&
                        Contains("byte 4 of the allocation of 64 bytes"));
  CHECK_THROWS_WITH(set_async(x.data(), 0, 65, stream), Contains("set_async: expected 65 bytes"));
}

TEST_CASE("an event that was never recorded is an error, not a wait for nothing", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  Event event;
  CHECK_THROWS_WITH(stream.wait(event), Contains("wait: expected an event that was recorded"));
  CHECK_THROWS_WITH(event.synchronize(), Contains("synchronize: expected an event that was recorded"));
}

TEST_CASE("time between two events", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  Event begin, end;
  DeviceArray<float> x(1 << 16);
  begin.record(stream);
  samples::write_value(x.data(), 1 << 16, 1, stream);
  end.record(stream);
  end.synchronize();
  CHECK(end.milliseconds_since(begin) > 0);
}

TEST_CASE("errors of the device say which call of which operation failed", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  Event event;
  try {
    stream.wait(event);
    FAIL("no error");
  } catch (const GpuError& e) {
    CHECK(e.op() == "wait");
    CHECK(e.call() == (is_emulated() ? "emulated" : "cudaStreamWaitEvent"));
  }
}

TEST_CASE("fresh device memory is poisoned", "[gpu]") {
  if (!is_emulated("a GPU's memory holds what was there")) return;
  Stream stream;
  DeviceArray<uint32_t> x(100);
  CHECK(x.download(stream) == std::vector<uint32_t>(100, 0xffffffffu));
}

TEST_CASE("many allocations of many sizes do not touch each other", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
  for (int i = 0; i < 40; ++i) {
    arrays.push_back(std::make_unique<DeviceArray<float>>(static_cast<size_t>(1 + i * 137)));
    CHECK(reinterpret_cast<uintptr_t>(arrays.back()->data()) % 256 == 0);
    samples::write_value(arrays.back()->data(), 1 + i * 137, static_cast<float>(i), stream);
    if (i % 3 == 2) arrays[static_cast<size_t>(i / 2)].reset();
  }
  for (int i = 0; i < 40; ++i) {
    const auto& a = arrays[static_cast<size_t>(i)];
    if (a) CHECK(a->download(stream) == std::vector<float>(a->size(), static_cast<float>(i)));
  }
}

TEST_CASE("what is freed twice or was never allocated is named, also while another stream works", "[gpu]") {
  if (!is_emulated("a GPU's context may be lost")) return;
  Stream a, b;
  DeviceArray<float> x(16);
  static float host[16];
  set_async(x.data(), 0, 4, b);
  free_device(host, a);
  CHECK_THROWS_WITH(gpu::synchronize(), Contains("free_device: expected the start of an allocation, got"));
  CHECK_THROWS_WITH(set_async(x.data() + 2, 0, static_cast<size_t>(-4), a), Contains("set_async: expected 18446744073709551612 bytes"));
  CHECK_THROWS_WITH(copy_async(x.data() + 1, x.data(), 8, Copy::on_device, a),
                    Contains("expected ranges that do not overlap, got 8 bytes"));
}

TEST_CASE("streams that are never idle at once keep neither history nor memory", "[gpu]") {
  if (!is_emulated("it is the emulated device's history")) return;
  Stream a, b;
  Event turn[2];
  const size_t before = allocator_stats(gpu_device()).in_use_bytes;
  DeviceArray<float> x(64), y(64);
  std::set<void*> blocks;
  for (int i = 0; i < 200; ++i) {
    set_async(x.data(), 0, x.bytes(), a);
    set_async(y.data(), 0, y.bytes(), b);
    void* p = allocate_device(1 << 20);
    blocks.insert(p);
    set_async(p, 0, 1 << 20, a);
    free_device(p, a);
    turn[i % 2].record(a);
    if (i > 0) turn[(i + 1) % 2].synchronize();
  }
  CHECK(blocks.size() < 10);  // the same ones again and again
  CHECK(allocator_stats(gpu_device()).in_use_bytes == before);
}

TEST_CASE("a free that waits is a wait, and an error within a recording", "[gpu]") {
  if (!has_device()) return;
  const int64_t before = host_waits();
  { const PinnedArray<float> gone(4); }
  CHECK(host_waits() == before + 1);
  if (!is_emulated()) return;
  {
    const Graph graph([] { const DeviceArray<float> gone(4); });
  }
  CHECK_THROWS_WITH(gpu::synchronize(), Contains("free_device: expected none while work is recorded"));
  Stream other;
  Event within;
  CHECK_THROWS_WITH(Graph([&] {
                      within.record(compute_stream());
                      other.wait(within);
                    }),
                    Contains("wait: expected the stream that is recorded"));
}
