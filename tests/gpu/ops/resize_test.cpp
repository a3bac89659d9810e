#include "ops/resize/bilinear.h"
#include "ops/resize/nearest.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

TEST_CASE("upsample_nearest and add_upsampled are the same on the device", "[gpu]") {
  const auto upsample = [](const std::vector<Var>& x) { return upsample_nearest(x[0], 7, 5); };
  same_on_device({random_tensor({2, 4, 3, 8}, 1)}, upsample);
  same_on_device({random_tensor({1, 3, 2, 3}, 2)}, upsample);                                                                // no pack fits
  same_on_device({random_tensor({1, 7, 6, 4}, 3)}, [](const std::vector<Var>& x) { return upsample_nearest(x[0], 3, 4); });  // smaller
  same_on_device({random_tensor({2, 7, 6, 8}, 4), random_tensor({2, 4, 3, 8}, 5)},
                 [](const std::vector<Var>& x) { return add_upsampled(x[0], x[1]); });
  same_on_device({random_tensor({0, 4, 3, 8}, 1)}, upsample);
}

TEST_CASE("resize_bilinear is the same on the device", "[gpu]") {
  const auto to = [](int h, int w) { return [h, w](const std::vector<Var>& x) { return resize_bilinear(x[0], h, w); }; };
  same_on_device({random_tensor({2, 4, 3, 8}, 1)}, to(8, 6));
  same_on_device({random_tensor({1, 5, 4, 3}, 2)}, to(7, 11));
  same_on_device({random_tensor({1, 9, 7, 4}, 3)}, to(2, 3));
  same_on_device({random_tensor({1, 1, 1, 4}, 4)}, to(3, 1));
  same_on_device({random_tensor({0, 4, 3, 8}, 1)}, to(8, 6));
}

}  // namespace mr::gpu
