#include "tensor/tensor.h"

#include <cmath>

#include "tensor/context.h"
#include "tensor/gpu/graph.h"
#include "tests/gpu/device.h"

namespace mr::gpu {

TEST_CASE("a tensor goes to the device and back with its bits", "[gpu]") {
  if (!has_device()) return;
  const Tensor x = Tensor::of<float>({2, 3}, {1, -2, 3, 0.5F, -0.0F, 1e30F});
  const Tensor there = x.to(gpu_device());
  CHECK(there.device() == gpu_device());
  CHECK(there.on_gpu());
  CHECK(there.at(1) == -2);
  const Tensor back = there.to(Device{});
  CHECK(std::memcmp(back.raw(), x.raw(), x.bytes()) == 0);
  CHECK(there.to(gpu_device()).raw() == there.raw());
}

TEST_CASE("the context says where new tensors live", "[gpu]") {
  if (!has_device()) return;
  const ContextGuard guard;
  context().device = gpu_device();
  CHECK(Tensor::zeros({3}).on_gpu());
  CHECK(Tensor::of<int32_t>({2}, {4, 5}).at(1) == 5);
  const Tensor host = Tensor::empty({2}, DType::f32, Device{});
  CHECK(!host.on_gpu());
  CHECK(!Tensor::empty_like(host).on_gpu());
  CHECK(Tensor::full({5}, 2.5).clone().at(4) == 2.5);
}

TEST_CASE("every type is filled, converted and added on the device as on the CPU", "[gpu]") {
  if (!has_device()) return;
  const DType all[] = {DType::f32, DType::bf16, DType::f64, DType::i64, DType::i32, DType::u8};
  const Tensor x = Tensor::of<double>({7}, {0, 1, 2, 3.75, 100, 17, 0.5});
  for (const DType from : all) {
    for (const DType to : all) {
      INFO(name(from) << " to " << name(to));
      const Tensor host = x.to(from), there = host.to(gpu_device());
      const Tensor want = host.to(to), got = there.to(to).to(Device{});
      CHECK(std::memcmp(got.raw(), want.raw(), want.bytes()) == 0);
      const Tensor other = Tensor::empty({7}, to);
      other.copy_(there);
      CHECK(std::memcmp(other.raw(), want.raw(), want.bytes()) == 0);
      if (is_float(from) && is_float(to)) {
        want.add_(host);
        const Tensor sum = there.to(to).clone();
        sum.add_(there);
        sum.scale_(0.5);
        want.scale_(0.5);
        CHECK(std::memcmp(sum.to(Device{}).raw(), want.raw(), want.bytes()) == 0);
      }
    }
    const Tensor filled = Tensor::empty({9}, from, gpu_device());
    filled.fill_(3);
    CHECK(filled.at(8) == 3);
    filled.fill_(0);
    CHECK(filled.at(0) == 0);
  }
  const Tensor negative = Tensor::empty({3}, DType::f32, gpu_device());
  negative.fill_(-0.0);
  CHECK(std::signbit(negative.at(0)));
}

TEST_CASE("the host is told which memory it may not read", "[gpu]") {
  if (!has_device()) return;
  const Tensor there = Tensor::zeros({4}).to(gpu_device());
  CHECK_THROWS_WITH(there.data<float>(), Catch::Contains("tensor: expected memory of the CPU, got that of"));
  CHECK_THROWS_WITH(Tensor::zeros({4}).device_data<float>(), Catch::Contains("tensor: expected memory of a GPU, got that of the CPU"));
  CHECK_THROWS_WITH(Tensor::empty({1}, DType::f32, Device{DeviceType::cuda, 99}), Catch::Contains("allocate: expected cpu"));
}

TEST_CASE("recorded work is done at each launch, with what stands in memory then", "[gpu]") {
  if (!has_device()) return;
  const Tensor in = Tensor::zeros({8}, DType::f32, gpu_device()), out = Tensor::zeros({8}, DType::f32, gpu_device());
  auto early = std::make_unique<Tensor>(Tensor::zeros({8}, DType::f32, gpu_device()));
  Tensor doubled;
  {
    const Graph graph([&] {
      doubled = in.clone();
      doubled.scale_(2);
      out.add_(doubled);
      out.add_(*early);
      early.reset();  // gone, but its memory stays with the graph
    });
    const Tensor other = Tensor::full({8}, 100).to(gpu_device());
    CHECK(out.at(0) == 0);  // recorded, not done
    for (const double v : {1.0, 10.0}) {
      in.fill_(v);
      graph.launch();
      CHECK(doubled.at(7) == 2 * v);
    }
    CHECK(out.at(3) == 22);
    CHECK(other.at(0) == 100);
  }
  CHECK(doubled.at(0) == 20);  // outlives the graph
}

TEST_CASE("a graph may end while another is recorded", "[gpu]") {
  if (!has_device()) return;
  const Tensor x = Tensor::zeros({8}, DType::f32, gpu_device());
  auto first = std::make_unique<Graph>([&] { x.copy_(x.clone()); });
  const Graph second([&] {
    first.reset();
    const Tensor t = x.clone();
    t.fill_(1);
    x.add_(t);
  });
  second.launch();
  second.launch();
  CHECK(x.at(7) == 2);
}

TEST_CASE("what cannot be recorded is an error, and leaves the device as it was", "[gpu]") {
  if (!has_device()) return;
  const Tensor x = Tensor::zeros({4}, DType::f32, gpu_device()), host = Tensor::zeros({4});
  CHECK_THROWS_WITH(Graph([&] { x.copy_(host); }),
                    Catch::Contains("copy_async: expected none") && Catch::Contains("while work is recorded"));
  CHECK_THROWS_WITH(Graph([&] { static_cast<void>(x.at(0)); }), Catch::Contains("while work is recorded"));
  CHECK_THROWS_WITH(Graph([] { synchronize(); }), Catch::Contains("synchronize: expected none while work is recorded"));
  CHECK_THROWS_WITH(Graph([] { const Graph inner([] {}); }), Catch::Contains("begin_recording: expected none"));
  x.copy_(host);
  x.fill_(3);
  CHECK(x.at(3) == 3);
}

TEST_CASE("memory of the device is counted, given back without waiting, and taken again", "[gpu]") {
  if (!has_device()) return;
  synchronize();
  const AllocatorStats before = allocator_stats(gpu_device());
  {
    const Tensor a = Tensor::empty({1000}, DType::f32, gpu_device());
    CHECK(allocator_stats(gpu_device()).in_use_bytes == before.in_use_bytes + 4000);
    a.fill_(1);
  }
  CHECK(allocator_stats(gpu_device()).in_use_bytes == before.in_use_bytes);
  for (int i = 0; i < 100; ++i) Tensor::empty({1 << 16}, DType::f32, gpu_device()).fill_(i);
  if constexpr (built == Built::cuda) CHECK(allocator_stats(gpu_device()).system_allocations <= before.system_allocations + 2);
  synchronize();
}

}  // namespace mr::gpu
