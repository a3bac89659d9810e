#include "ops/loss/keypoint.h"

#include <algorithm>
#include <cmath>

#include "ops/boxes/box_tensor.h"
#include "ops/loss/keypoint_rules.h"
#include "ops/loss/loss_gpu.h"
#include "ops/loss/reduce.h"

namespace mr {
namespace {

// Of one map, positions `step` apart: the maximum and Σ e^(z − maximum).
template <class A> struct Partition {
  A top = 0, sum = 0;

  template <class T> Partition(const T* z, int64_t positions, int64_t step) {
    top = static_cast<A>(z[0]);
    for (int64_t p = 1; p < positions; ++p) top = std::max(top, static_cast<A>(z[p * step]));
    for (int64_t p = 0; p < positions; ++p) sum += std::exp(static_cast<A>(z[p * step]) - top);
  }
};

struct Found {
  double score = -INFINITY;
  int x = 0, y = 0;
};

// The largest value of the map (cells `step` apart) resized to height × width.
Found largest(const float* z, int m, int64_t step, int height, int width) {
  std::vector<double> line(static_cast<size_t>(m));
  Found best;
  for (int y = 0; y < height; ++y) {
    const CubicTaps rows(y, height, m);
    for (int x = 0; x < m; ++x) {
      line[static_cast<size_t>(x)] = 0;
      for (int k = 0; k < 4; ++k) line[static_cast<size_t>(x)] += rows.weight[k] * static_cast<double>(z[(rows.cell[k] * m + x) * step]);
    }
    for (int x = 0; x < width; ++x) {
      const CubicTaps columns(x, width, m);
      double v = 0;
      for (int k = 0; k < 4; ++k) v += columns.weight[k] * line[static_cast<size_t>(columns.cell[k])];
      if (v > best.score) best = {v, x, y};
    }
  }
  return best;
}

int64_t check_keypoints(const Tensor& labels, int64_t positions) {  // how many have a label
  int64_t count = 0;
  for (const int32_t l : labels.values<int32_t>()) {
    check(l >= -1 && l < positions, "keypoint_loss: labels must be −1 or a position below ", positions, ", got ", l);
    count += l >= 0;
  }
  return count;
}

double keypoint_sum(const Tensor& z, const Tensor& labels) {
  const int64_t positions = z.size(1) * z.size(2), K = z.size(3);
  return dispatch_float(z.dtype(), "keypoint_loss", [&]<class T>(T) {
    const T* zv = z.data<T>();
    const int32_t* at = labels.data<int32_t>();
    return sum_blocks(labels.numel(), 8, [=](int64_t i) -> acc_t<T> {
      if (at[i] < 0) return 0;
      const T* map = zv + i / K * positions * K + i % K;
      const Partition<acc_t<T>> p(map, positions, K);
      return std::log(p.sum) + (p.top - static_cast<acc_t<T>>(map[at[i] * K]));
    });
  });
}

void keypoint_backward(const Tensor& z, const Tensor& labels, double divisor, const Tensor& gy, const Tensor& gz) {
  const int64_t positions = z.size(1) * z.size(2), K = z.size(3);
  gz.fill_(0);
  dispatch_float(z.dtype(), "keypoint_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const A factor = static_cast<A>(gy.at(0) / divisor);
    parallel_for(labels.numel(), 4, [&, zv = z.data<T>(), to = gz.data<T>(), at = labels.data<int32_t>()](int64_t i) {
      if (at[i] < 0) return;
      const int64_t map = i / K * positions * K + i % K;
      const Partition<A> p(zv + map, positions, K);
      for (int64_t j = 0; j < positions; ++j)
        to[map + j * K] = T(factor * (std::exp(static_cast<A>(zv[map + j * K]) - p.top) / p.sum - (j == at[i] ? 1 : 0)));
    });
  });
}

void check_boxes(const char* op, const Tensor& boxes) {
  check(boxes.defined() && boxes.rank() == 2 && boxes.size(1) == 4 && boxes.dtype() == DType::f32, op, ": boxes must be [R,4] f32, got ",
        boxes.defined() ? boxes.shape() : Shape{});
}

}  // namespace

Tensor keypoint_labels(const Tensor& keypoints, const Tensor& boxes, int m) {
  check_boxes("keypoint_labels", boxes);
  check(keypoints.defined() && keypoints.rank() == 3 && keypoints.size(2) == 3 && keypoints.size(0) == boxes.size(0) &&
            keypoints.dtype() == DType::f32,
        "keypoint_labels: keypoints must be [", boxes.size(0), ",K,3] f32, got ", keypoints.defined() ? keypoints.shape() : Shape{});
  check(m >= 1 && m <= 1024, "keypoint_labels: m must be 1 … 1024, got ", m);
  if constexpr (gpu::exists) {
    if (boxes.on_gpu()) return gpu::keypoint_labels(keypoints, boxes, m);
  }
  const Box* box = Operands("keypoint_labels", Device{}).boxes(boxes, "boxes");
  const int64_t R = keypoints.size(0), K = keypoints.size(1);
  const Tensor labels = Tensor::empty({R, K}, DType::i32);
  const float* p = keypoints.data<float>();
  for (int64_t i = 0; i < R * K; ++i, p += 3) {
    const Box& b = box[static_cast<size_t>(i / K)];
    const int x = cell_of(p[0], b.x1, b.x2, m), y = cell_of(p[1], b.y1, b.y2, m);
    labels.data<int32_t>()[i] = p[2] > 0 && x >= 0 && y >= 0 ? y * m + x : -1;
  }
  return labels;
}

Var keypoint_loss(const Var& logits, const Tensor& labels) {
  const Tensor z = logits.value();
  check(z.rank() == 4 && is_float(z.dtype()), "keypoint_loss: logits must be [R,m,m,K] floating, got ", z.shape(), " ", z.dtype());
  const int64_t R = z.size(0), positions = z.size(1) * z.size(2), K = z.size(3);
  check(labels.defined() && labels.dtype() == DType::i32 && labels.shape() == Shape({R, K}), "keypoint_loss: labels must be i32 [", R, ",",
        K, "], got ", labels.defined() ? labels.shape() : Shape{});
  if constexpr (gpu::exists) {
    if (z.on_gpu()) {
      const Tensor partition = gpu::keypoint_partition(z);
      const Divisor divisor = over_labels(labels, 0, positions, 1);
      return record("keypoint_loss", {logits}, gpu::keypoint_loss(z, partition, labels, divisor),
                    [z, partition, labels, divisor](Grads& g) {
                      const Tensor gz = Tensor::empty_like(z);
                      gpu::keypoint_loss_backward(z, partition, labels, divisor, g.out(), gz);
                      g.give(0, gz);
                    });
    }
  }
  const double divisor = static_cast<double>(std::max<int64_t>(check_keypoints(labels, positions), 1));
  return record("keypoint_loss", {logits}, loss_value(keypoint_sum(z, labels), divisor, z.dtype()), [z, labels, divisor](Grads& g) {
    const Tensor gz = Tensor::empty_like(z);
    keypoint_backward(z, labels, divisor, g.out(), gz);
    g.give(0, gz);
  });
}

Tensor keypoint_decode(const Tensor& logits, const Tensor& boxes) {
  check(logits.defined() && logits.rank() == 4 && logits.size(1) == logits.size(2) && is_float(logits.dtype()),
        "keypoint_decode: logits must be [R,m,m,K] floating, got ", logits.defined() ? logits.shape() : Shape{});
  check_boxes("keypoint_decode", boxes);
  check(logits.size(0) == boxes.size(0), "keypoint_decode: expected a box for each of ", logits.size(0), " RoIs, got ", boxes.size(0));
  if constexpr (gpu::exists) {
    if (logits.on_gpu()) return gpu::keypoint_decode(logits, boxes);
  }
  const Box* box = Operands("keypoint_decode", Device{}).boxes(boxes, "boxes");
  for (int64_t r = 0; r < boxes.size(0); ++r)
    check(std::abs(box[r].width()) <= 65536 && std::abs(box[r].height()) <= 65536,
          "keypoint_decode: boxes must be finite and at most 65536 pixels long, got ", box[r].width(), " × ", box[r].height(), " in box ",
          r);
  const Tensor z = logits.to(DType::f32);
  const int64_t R = z.size(0), K = z.size(3);
  const auto m = static_cast<int>(z.size(1));
  const Tensor out = Tensor::empty({R, K, 3});
  parallel_for(R * K, 1, [&](int64_t i) {
    const Box& b = box[static_cast<size_t>(i / K)];
    const KeypointAxis w(b.width()), h(b.height());
    const Found f = largest(z.data<float>() + i / K * m * m * K + i % K, m, K, static_cast<int>(h.pixels), static_cast<int>(w.pixels));
    float* to = out.data<float>() + 3 * i;
    to[0] = w.centre(b.x1, f.x);
    to[1] = h.centre(b.y1, f.y);
    to[2] = static_cast<float>(f.score);
  });
  return out;
}

}  // namespace mr
