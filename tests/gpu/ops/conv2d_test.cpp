#include "ops/conv/conv2d.h"

#include "ops/conv/conv2d_rungs.h"
#include "ops/conv/deconv2d.h"
#include "ops/gemm/finish_backward.h"
#include "tests/gpu/ops/conv_layer.h"

namespace mr::gpu {
namespace {

const Layer layers[] = {
    {{1, 7, 6, 3}, {8, 7, 7, 3}, {2, 3}},         // the stem
    {{1, 4, 5, 8}, {8, 3, 3, 8}, {1, 1}},         // most layers
    {{1, 5, 6, 8}, {12, 3, 3, 2}, {2, 1, 1, 4}},  // groups
};

Conv2dCase case_of(const Layer& l, DType t) { return conv2d_case(l.x, l.w, l.o, t, gpu_device()); }

}  // namespace

TEST_CASE("conv2d is the same on the device, and all that may follow it", "[gpu][conv]") {
  for (const Layer& l : layers) {
    const Conv2dCase c = case_of(l, DType::f32);
    INFO(str(c));
    const Tensor scale = random_tensor({c.Cout}, 5), shift = random_tensor({c.Cout}, 6);
    same_on_device({random_tensor(l.x, 1), random_tensor(l.w, 2), random_tensor({c.Cout}, 3), random_tensor(c.y_shape(), 4)},
                   [&](const std::vector<Var>& v) {
                     return conv2d(v[0], v[1], v[2], l.o, {scale.to(current_device()), shift.to(current_device()), v[3], true});
                   });
  }
  const Layer& l = layers[1];
  same_on_device({random_tensor(l.x, 1), random_tensor(l.w, 2)}, [&](const std::vector<Var>& v) { return conv2d(v[0], v[1], {}, l.o); });
}

TEST_CASE("conv2d on the device takes no images", "[gpu][conv]") {
  same_on_device({random_tensor({0, 5, 4, 8}, 1), random_tensor({8, 3, 3, 8}, 2), random_tensor({8}, 3)}, [](const std::vector<Var>& v) {
    return conv2d(v[0], v[1], v[2], {1, 1}, {{}, {}, {}, true});
  });
}

TEST_CASE("deconv2d is the same on the device", "[gpu][conv]") {
  for (const bool relu : {false, true})
    same_on_device({random_tensor({2, 3, 4, 8}, 1), random_tensor({8, 2, 2, 16}, 2), random_tensor({16}, 3)},
                   [&](const std::vector<Var>& v) { return deconv2d(v[0], v[1], v[2], {}, relu); });
  same_on_device({random_tensor({1, 3, 2, 3}, 1), random_tensor({3, 3, 3, 5}, 2), random_tensor({5}, 3)}, [](const std::vector<Var>& v) {
    return deconv2d(v[0], v[1], v[2], {2, 1}, true);
  });
}

TEST_CASE("finish_backward is the same on the device: rows of many blocks, channels that are no pack", "[gpu][conv]") {
  if (!has_device()) return;
  for (const Shape& shape : {Shape{130, 24}, Shape{67, 3}, Shape{3, 300}, Shape{0, 8}})
    for (const DType t : {DType::f64, DType::f32, DType::bf16}) {
      const Tensor gy = random_tensor(shape, 1).to(t), y = random_tensor(shape, 2).to(t);
      INFO(str(shape, " ", t));
      const FinishGrad want = mr::finish_backward(gy.clone(), y, true),
                       got = mr::finish_backward(gy.to(gpu_device()), y.to(gpu_device()), true);
      CHECK(std::memcmp(got.g.to(Device{}).raw(), want.g.raw(), want.g.bytes()) == 0);
      check_close("sums", got.sums.to(Device{}), want.sums, t == DType::f64 ? 1e-14 : 1e-6);
    }
}

}  // namespace mr::gpu
