// The gradient of a convolution at a few positions, on the device against the CPU in f64.
#include "ops/conv/conv2d_sparse.h"

#include <limits>

#include "ops/elementwise/gather.h"
#include "tests/gpu/ops/conv_layer.h"

namespace mr::gpu {
namespace {

const Layer layers[] = {
    {{2, 5, 6, 8}, {16, 3, 3, 8}, {1, 1}},    // the RPN's
    {{1, 9, 8, 3}, {5, 3, 3, 3}, {2, 1}},     // channels that are no pack; pixels that no output reads
    {{1, 7, 8, 8}, {8, 3, 2, 8}, {3, 2, 2}},  // dilated
    {{2, 4, 3, 16}, {8, 1, 1, 16}, {}},       // one tap
};

// The positions that are asked for: corners, neighbours, one three times. On a device the list has rows that are not there, too.
Tensor positions(int64_t pixels, bool filled, DType t) {
  std::vector<int64_t> at = {0, 3, pixels - 1, 2, 3, pixels / 2, 3};
  if (filled) at = {-1, 0, 3, pixels - 1, pixels, -1, 2, 3, pixels / 2, 3, -1, -7};
  const Tensor list = Tensor::of<int64_t>({static_cast<int64_t>(at.size())}, at);
  if (t == DType::i64) return list;
  std::vector<int32_t> narrow(at.begin(), at.end());
  return Tensor::of<int32_t>({list.numel()}, narrow);
}
const std::vector<int64_t> there = {1, 2, 3, 6, 7, 8, 9};  // the rows of the filled list that are

}  // namespace

TEST_CASE("conv2d_relu_at is the same on the device, whose lists hold rows that are not there", "[gpu][conv]") {
  for (const Layer& l : layers)
    for (const DType t : {DType::i64, DType::i32}) {
      if (t == DType::i64 && &l != layers) continue;
      INFO(str(l.x, " ", l.w, " ", t));
      same_on_device({random_tensor(l.x, 1), random_tensor(l.w, 2), random_tensor({l.w[0]}, 3)}, [&](const std::vector<Var>& v) {
        const bool gpu = v[0].value().on_gpu();
        const Tensor dense = conv2d(v[0].detach(), v[1].detach(), v[2].detach(), l.o, {{}, {}, {}, true}).value();
        const OnDevice here(Device{});
        const Tensor at = positions(dense.numel() / dense.size(-1), gpu, gpu ? t : DType::i64).to(v[0].value().device());
        const Var y = conv2d_relu_at(v[0], v[1], v[2], l.o, at, dense);
        if (!gpu) return y;
        const Tensor rows = Tensor::of<int64_t>({static_cast<int64_t>(there.size())}, there).to(gpu_device());
        return gather_rows(y, rows);
      });
    }
}

TEST_CASE("conv2d_sparse_backward on the device: no ReLU, a gx to add to, rows of nothing that hold NaN", "[gpu][conv]") {
  if (!has_device()) return;
  const Layer& l = layers[0];
  const Tensor x = random_tensor(l.x, 1), before = random_tensor(l.x, 4), at = positions(60, false, DType::i64),
               gy = random_tensor({at.numel(), l.w[0]}, 3);
  const Var w(random_tensor(l.w, 2));
  const Conv2dGrads want = mr::conv2d_sparse_backward(x, w, l.o, {at, gy, {}}, true, true, before.clone());
  const Tensor list = positions(60, true, DType::i32), filled = Tensor::empty({list.numel(), l.w[0]}, DType::f64, Device{});
  filled.fill_(std::numeric_limits<double>::quiet_NaN());
  for (size_t s = 0; s < there.size(); ++s)
    std::copy_n(gy.data<double>() + static_cast<int64_t>(s) * l.w[0], l.w[0], filled.data<double>() + there[s] * l.w[0]);

  const Device gpu = gpu_device();
  const Tensor sum = before.to(gpu);
  const Conv2dSparse sparse{list.to(gpu), filled.to(gpu), {}};
  const Var there_w(w.value().to(gpu));
  const Conv2dGrads got = mr::conv2d_sparse_backward(x.to(gpu), there_w, l.o, sparse, true, true, sum);
  CHECK(got.gx.raw() == sum.raw());
  check_close("gx", got.gx.to(Device{}), want.gx, 1e-14);
  check_close("gw", got.gw.to(Device{}), want.gw, 1e-14);
  check_close("gb", got.gb.to(Device{}), want.gb, 1e-14);
  CHECK_FALSE(mr::conv2d_sparse_backward(x.to(gpu), there_w, l.o, sparse, false, true).gx.defined());
  CHECK_FALSE(mr::conv2d_sparse_backward(x.to(gpu), there_w, l.o, sparse, true, false).gw.defined());
}

TEST_CASE("conv2d_sparse_backward on the device: a list of no length, and one that holds nothing", "[gpu][conv]") {
  if (!has_device()) return;
  const OnDevice where(gpu_device());
  const Tensor x = random_tensor({1, 5, 6, 8}, 1).to(DType::f32).to(gpu_device());
  const Var w(random_tensor({4, 3, 3, 8}, 2).to(DType::f32).to(gpu_device()));
  for (const int64_t S : {0, 3}) {
    const Tensor at = Tensor::empty({S}, DType::i32);
    at.fill_(-1);
    const Tensor gy = Tensor::empty({S, 4});
    gy.fill_(1);
    const Conv2dGrads g = mr::conv2d_sparse_backward(x, w, {1, 1}, {at, gy, {}});
    for (const Tensor& t : {g.gx, g.gw, g.gb}) {
      const Tensor here = t.to(Device{});
      for (const float v : here.values<float>()) CHECK(v == 0);
    }
  }
}

}  // namespace mr::gpu
