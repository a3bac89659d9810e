// Streams, events, copies: on the emulated device everything queued is late, and what nothing orders runs in any order.
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
  return y.download(consumer).front();
}

}  // namespace

TEST_CASE("a missing event shows as a wrong order under some seed, with it every order is right", "[gpu]") {
  if (!is_emulated("a GPU may happen to run them in order")) return;
  int wrong = 0;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    set_seed(seed);
    wrong += produce_and_consume(false) != 6;
    CHECK(produce_and_consume(true) == 6);
  }
  CHECK(wrong > 0);
  set_seed(1);
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
