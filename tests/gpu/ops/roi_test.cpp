// The RoI operators on the device against the CPU.
#include <limits>

#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_inputs.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {
namespace {

// Two levels of two images, of more than one tile. Boxes inside, across the border, outside, of no width, within a cell, upside down, all
// over the map; the stride is a power of two, so that both types round alike.
const std::vector<int> strides = {4, 8};
std::vector<Tensor> inputs(int64_t channels) {
  const Tensor rois = Tensor::of<float>({9, 5}, {0, 3.3f,    5.1f,   19.7f,  27.2f, 1, -7.2f,  12.3f, 15.1f,  46.9f,  //
                                                 1, 18.3f,   2.7f,   30.9f,  12.3f, 0, 200.1f, 9.3f,  240.3f, 33.3f,  //
                                                 0, 13.3f,   7.9f,   13.3f,  20.1f, 1, 2.1f,   1.3f,  21.3f,  35.7f,  //
                                                 0, 19.3f,   6.1f,   7.9f,   28.3f, 1, 9.3f,   9.9f,  9.4f,   10.1f,  //
                                                 0, -150.3f, -60.9f, 200.7f, 150.1f});
  return {random_tensor({2, 9, 6, channels}, 1), random_tensor({2, 5, 3, channels}, 2), rois.to(Device{})};
}
Tensor levels() { return Tensor::of<int32_t>({9}, {0, 1, 0, 1, 0, 0, 1, 0, 1}); }

using Catch::Matchers::Contains;
using Maps = std::vector<Var>;
using Strides = std::vector<int>;

// op(maps, strides, rois, levels). Positions of f32 are off by some 1e-6 cells. What differs from another only in the geometry runs in f64.
template <class Op> void same(const Op& op, int64_t channels = 4, const std::vector<DType>& types = {DType::f64, DType::f32, DType::bf16}) {
  same_on_device(
      inputs(channels),
      [&](const std::vector<Var>& v) {
        return op({v[0], v[1]}, strides, v[2], levels());
      },
      30, types);
}

}  // namespace

TEST_CASE("roi_align is the same on the device", "[gpu]") {
  const auto align = [](const RoIAlignOptions& o) {
    return [o](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) { return roi_align(maps, s, rois, at, o); };
  };
  same(align({.size = 3, .aligned = true}));
  same(align({.size = 2, .sampling_ratio = 0, .aligned = true}), 1, {DType::f64});
  same(align({.size = 2, .sampling_ratio = 3, .aligned = false}), 3, {DType::f32});
  same(align({.size = 2, .aligned = true, .reduce = Reduce::max}));
  same(align({.size = 2, .sampling_ratio = 0, .aligned = false, .reduce = Reduce::max}), 3, {DType::f64});
}

TEST_CASE("roi_pool is the same on the device", "[gpu]") {
  const auto pool = [](PoolBins bins) {
    return [bins](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
      return roi_pool(maps, s, rois.value(), at, {.size = 3, .bins = bins});
    };
  };
  same(pool(PoolBins::overlapping));
  same(pool(PoolBins::disjoint), 3, {DType::f32});
  same(pool(PoolBins::truncated), 1, {DType::f64});
}

TEST_CASE("maps and gradients that begin anywhere are read on the device", "[gpu]") {
  if (!has_device()) return;
  // A view that begins 4 or 2 bytes behind a pack.
  const auto shifted = [](const Tensor& t) {
    const Tensor flat = Tensor::zeros({t.numel() + 1}, t.dtype(), gpu_device()), view = flat.slice(1, t.numel() + 1).reshape(t.shape());
    view.copy_(t.to(gpu_device()));
    return view;
  };
  const Tensor rois = Tensor::of<float>({2, 5}, {0, 3, 5, 19, 27, 0, 1, 2, 30, 12}).to(gpu_device());
  for (const DType type : {DType::f32, DType::bf16})
    for (int op = 0; op < 3; ++op) {
      INFO(name(type) << " " << op);
      const auto run = [&](const Tensor& map, bool shift) {
        const OnDevice where(gpu_device());
        const Var x(map, true);
        const Var y = op == 2 ? roi_pool({x}, {4}, rois, {}, {.size = 2})
                              : roi_align({x}, {4}, rois, {}, {.size = 2, .reduce = op == 0 ? Reduce::mean : Reduce::max});
        const Tensor gy = random_tensor(y.shape(), 3).to(type).to(gpu_device());
        backward(y, shift ? shifted(gy) : gy);
        return std::pair{y.value().to(Device{}), x.grad().to(Device{})};
      };
      const Tensor map = random_tensor({1, 9, 8, 16}, 1).to(type).to(gpu_device());
      const auto want = run(map, false), got = run(shifted(map.to(Device{})), true);
      CHECK(std::memcmp(got.first.raw(), want.first.raw(), want.first.bytes()) == 0);
      CHECK(std::memcmp(got.second.raw(), want.second.raw(), want.second.bytes()) == 0);
    }
}

TEST_CASE("roi_warp, crop_and_resize and precise_roi_pool are the same on the device", "[gpu]") {
  const auto warp = [](WarpVariant variant, Reduce reduce) {
    return [=](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
      return roi_warp(maps, s, rois, at, {.size = 2, .reduce = reduce, .variant = variant});
    };
  };
  same(warp(WarpVariant::paper, Reduce::mean), 1, {DType::f64});
  same(warp(WarpVariant::paper, Reduce::max), 1, {DType::f64});
  same(warp(WarpVariant::mnc, Reduce::mean), 1, {DType::f64});
  same(warp(WarpVariant::mnc, Reduce::max), 1, {DType::f64});
  const auto crop = [](Reduce reduce) {
    return [=](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
      return crop_and_resize(maps, s, rois, at, {.size = 2, .reduce = reduce});
    };
  };
  same(crop(Reduce::mean), 1, {DType::f64});
  same(crop(Reduce::max), 1, {DType::f64});
  const auto precise = [](bool aligned) {
    return [=](const Maps& maps, const Strides& s, const Var& rois, const Tensor& at) {
      return precise_roi_pool(maps, s, rois, at, {.size = 3, .aligned = aligned});
    };
  };
  same(precise(false), 2, {DType::f64, DType::f32});
  same(precise(true), 1, {DType::f64});
}

// Nobody waits to look at the values of a RoI: those that are not valid read nothing.
TEST_CASE("a RoI that is not valid gives 0 and has no gradient", "[gpu]") {
  if (!has_device()) return;
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor valid = Tensor::of<float>({2, 5}, {0, 3, 4, 19, 17, 1, 7, 2, 9, 30});
  const Tensor rois = Tensor::of<float>({9, 5}, {-1,  0, 0, 0, 0, 0, 3, 4, 19, 17, 2, 3,  4, 9, 9, 0, nan, 4,    9, 9, 0, 3, 4,
                                                 inf, 9, 0, 3, 4, 9, 9, 1, 7,  2,  9, 30, 0, 3, 4, 9, 9,   0.5f, 3, 4, 9, 9});
  const Tensor levels_of_valid = Tensor::of<int32_t>({2}, {0, 1}), at = Tensor::of<int32_t>({9}, {0, 0, 0, 0, 1, 2, 1, -1, 0});
  const Tensor maps[] = {random_tensor({2, 9, 6, 3}, 1), random_tensor({2, 5, 3, 3}, 2)};
  const auto run = [&](const auto& op) {
    const auto with = [&](const Tensor& levels_) {
      return [&op, levels_](const std::vector<Var>& v) { return op({v[0], v[1]}, v[2], levels_.to(current_device())); };
    };
    Tensor seed = random_tensor({9, 2, 2, 3}, 3), seed_of_valid = Tensor::empty({2, 2, 2, 3}, DType::f64);
    seed_of_valid.slice(0, 1).copy_(seed.slice(1, 2));
    seed_of_valid.slice(1, 2).copy_(seed.slice(6, 7));
    const Outcome want = run_on(Device{}, {maps[0], maps[1], valid}, with(levels_of_valid), seed_of_valid);
    const Outcome got = run_on(gpu_device(), {maps[0], maps[1], rois}, with(at), seed);
    const auto rows = [](const Tensor& found, const Tensor& expected) {
      for (int64_t r = 0; r < 9; ++r) {
        INFO("RoI " << r);
        if (r == 1 || r == 6)
          check_close("row", found.slice(r, r + 1), expected.slice(r / 6, r / 6 + 1), 1e-6);
        else
          check_close("row", found.slice(r, r + 1), Tensor::zeros(found.slice(r, r + 1).shape()), 0);
      }
    };
    rows(got.tensors[0], want.tensors[0]);
    check_close("map 0", got.tensors[1], want.tensors[1], 1e-13);
    check_close("map 1", got.tensors[2], want.tensors[2], 1e-13);
    rows(got.tensors[3], want.tensors[3]);
  };
  run([](const Maps& x, const Var& boxes, const Tensor& l) { return roi_align(x, strides, boxes, l, {.size = 2}); });
  run([](const Maps& x, const Var& boxes, const Tensor& l) { return roi_align(x, strides, boxes, l, {.size = 2, .reduce = Reduce::max}); });
  run([](const Maps& x, const Var& boxes, const Tensor& l) { return roi_pool(x, strides, boxes.value(), l, {.size = 2}); });

  for (const Device device : {Device{}, gpu_device()}) {
    const Tensor count = count_invalid_rois(rois.to(device), at.to(device), 2, 2).to(Device{});
    CHECK(count.at(0) == 2);  // corners; the row with image −1 is not looked at
    CHECK(count.at(1) == 2);
    CHECK(count.at(2) == 2);
  }
}

TEST_CASE("RoI operators take no boxes, many channels, many boxes, many bins", "[gpu]") {
  const auto align = [](const std::vector<Var>& v) { return roi_align({v[0]}, {4}, v[1], {}, {.size = 2}); };
  const auto pool = [](const std::vector<Var>& v) { return roi_pool({v[0]}, {4}, v[1].value(), {}, {.size = 2}); };
  const Tensor none = Tensor::empty({0, 5}), one = Tensor::of<float>({1, 5}, {0, 1.5f, 2.5f, 9.7f, 7.3f});
  same_on_device({random_tensor({1, 5, 3, 2}, 1), none}, align, 1, {DType::f32});
  same_on_device({random_tensor({1, 5, 3, 2}, 1), none}, pool, 1, {DType::f32});
  same_on_device({random_tensor({1, 5, 3, 1}, 1), one}, align, 30, {DType::f32});
  same_on_device({random_tensor({1, 3, 2, 65}, 1), one}, align, 30, {DType::f32});  // two blocks of channels
  same_on_device({random_tensor({1, 5, 3, 1}, 1), one},
                 [](const std::vector<Var>& v) {
                   return roi_align({v[0]}, {4}, v[1], {}, {.size = 30, .sampling_ratio = 1});  // a batch of few boxes
                 },
                 30, {DType::f64});
  const Tensor many = Tensor::empty({260, 5});  // more than a block has threads
  for (int64_t r = 0; r < 260; ++r) {
    const float row[] = {0, static_cast<float>(r % 11), static_cast<float>(r % 7), static_cast<float>(r % 11 + 3),
                         static_cast<float>(r % 7 + 5)};
    std::copy_n(row, 5, many.data<float>() + r * 5);
  }
  same_on_device({random_tensor({1, 4, 4, 1}, 1), many},
                 [](const std::vector<Var>& v) { return roi_align({v[0]}, {4}, v[1].detach(), {}, {.size = 1, .sampling_ratio = 1}); }, 30,
                 {DType::f32});
}

TEST_CASE("the RoI kernels have no bank conflicts", "[gpu]") {
  if (!has_device() || !is_emulated("counts accesses")) return;
  reset_launch_stats();
  for (const DType type : {DType::f32, DType::f64})
    for (const bool pool : {false, true})
      run_on(gpu_device(), {random_tensor({1, 9, 6, 4}, 1).to(type), inputs(1)[2].slice(0, 1)},
             [&](const std::vector<Var>& v) { return pool ? roi_pool({v[0]}, {4}, v[1].value(), {}) : roi_align({v[0]}, {4}, v[1], {}); });
  for (const char* kernel : {"filter_forward", "filter_backward", "filter_boxes", "pool_forward", "pool_backward"}) {
    INFO(kernel);
    const LaunchStats stats = launch_stats(kernel);
    CHECK(stats.launches > 0);
    CHECK(stats.bank_conflicts == 0);
  }
}

TEST_CASE("RoI operators on the device say what they do not take", "[gpu]") {
  if (!has_device()) return;
  const ContextGuard guard;
  context().device = gpu_device();
  const Var x(Tensor::zeros({1, 4, 4, 2}));
  const Tensor rois = Tensor::zeros({1, 5});
  CHECK_THROWS_WITH(roi_align({x}, {4}, rois.to(Device{}), {}), Contains("roi_align: expected rois on"));
  CHECK_THROWS_WITH(roi_align({x}, {4}, rois, Tensor::of<int32_t>({1}, {0}).to(Device{})), Contains("roi_align: expected levels on"));
  CHECK_THROWS_WITH(roi_align(Maps(9, x), Strides(9, 4), rois, {}), Contains("roi_align: expected at most 8 maps on a GPU, got 9"));
  CHECK_THROWS_WITH(roi_pool({x}, {4}, rois, {}, {.size = 0}), Contains("roi_pool: size must be 1"));
}

}  // namespace mr::gpu
