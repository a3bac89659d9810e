#include "autograd/gradcheck.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/cast.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather.h"
#include "ops/elementwise/relu.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/scale.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"
#include "ops/norm/batch_norm.h"
#include "ops/norm/group_norm.h"
#include "ops/pool/avg_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/resize/bilinear.h"
#include "ops/resize/nearest.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"
using namespace mr;
using namespace mr::test;
using V = std::vector<Var>;
#define GC(expr, ...)                                                                \
  {                                                                                  \
    auto r = gradcheck([&](const V& v) -> Var { return expr; }, {__VA_ARGS__});      \
    INFO(#expr << " " << r.message);                                                 \
    CHECK(r.ok);                                                                     \
  }
TEST_CASE("smoke", "[ops]") {
  Tensor m = distinct_tensor({2, 5, 6, 20}, "m"), m2 = random_tensor({2, 5, 6, 20}, "m2"), c = random_tensor({20}, "c"), d = random_tensor({20}, "d");
  Tensor var = Tensor::full({20}, 0.7, DType::f64);
  GC(add(v[0], v[1]), m, m2)
  GC(relu(v[0]), m)
  GC(sigmoid(v[0]), m)
  GC(scale(v[0], 2.5), m)
  GC(concat_rows(v), m, m2, m)
  GC(flatten_rows(v[0]), m)
  GC(cast(v[0], DType::f64), m)
  GC(gather_rows(v[0], Tensor::of<int64_t>({4}, {3, 1, 3, 0})), random_tensor({5, 3, 7}, "g"))
  GC(max_pool2d(v[0], {}), m)
  GC(max_pool2d(v[0], {1, 2, 0}), m)
  GC(max_pool2d(v[0], {2, 3, 1}), m)
  GC(global_average_pool(v[0]), m)
  GC(frozen_batch_norm(v[0], c, d, d, var, 1e-5), m)
  GC(batch_norm(v[0], v[1], v[2], Tensor::zeros({20}, DType::f64), var.clone(), 0.1, 1e-5, true), m2, c, d)
  GC(batch_norm(v[0], v[1], v[2], d, var.clone(), 0.1, 1e-5, false), m2, c, d)
  GC(group_norm(v[0], v[1], v[2], 5, 1e-5), m2, c, d)
  GC(upsample_nearest(v[0], 10, 12), m)
  GC(upsample_nearest(v[0], 7, 4), m)
  GC(add_upsampled(v[0], v[1]), random_tensor({2, 9, 12, 20}, "l"), m)
  GC(resize_bilinear(v[0], 10, 12), m)
  GC(resize_bilinear(v[0], 3, 17), m)
  GC(resize_bilinear(v[0], 1, 1), m)
  Tensor z = random_tensor({4, 3, 3, 5}, "z"), t = random_tensor({4, 3, 3}, "t");
  Tensor k = Tensor::of<int32_t>({4}, {0, 4, 2, 2});
  GC(sigmoid_bce(v[0], random_tensor({4, 3, 3, 5}, "tt"), random_tensor({4, 3, 3, 5}, "w"), 3), z)
  GC(sigmoid_bce(v[0], random_tensor({4, 3, 3, 5}, "tt"), {}, 3), z)
  GC(mask_loss(v[0], k, t), z)
  GC(softmax_cross_entropy(v[0], k, 4), random_tensor({4, 5}, "ce"))
  GC(smooth_l1(v[0], random_tensor({4, 4}, "sl1t"), 0.5, 4), random_tensor({4, 4}, "sl1"))
  GC(smooth_l1(v[0], random_tensor({4, 4}, "sl1t"), 0, 4), random_tensor({4, 4}, "sl1"))
  GC(class_box_loss(v[0], k, random_tensor({4, 4}, "sl1t"), 0.5, 4), random_tensor({4, 20}, "sl1"))
}
