#include "ops/boxes/targets.h"

#include <algorithm>
#include <vector>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

struct Problem {
  int64_t N, S, G, B;  // images, places of the sample, objects and boxes of the lists
};
Problem checked(const char* op, const Tensor& boxes, const Tensor& match, const Sampled& s, const BoxList& objects) {
  check(s.index.defined() && s.index.rank() == 2 && objects.boxes.defined() && objects.boxes.rank() == 3, op,
        ": expected a sample [N,S] i32 and objects [N,G,4] f32");
  const Problem p{s.index.size(0), s.index.size(1), objects.boxes.size(1), boxes.size(boxes.rank() - 2)};
  check_tensor(s.index, {p.N, p.S}, DType::i32, op, "the sample");
  check_tensor(boxes, boxes.rank() == 2 ? Shape{p.B, 4} : Shape{p.N, p.B, 4}, DType::f32, op, "boxes");
  check_tensor(match, {p.N, p.B}, DType::i32, op, "match");
  check_tensor(objects.boxes, {p.N, p.G, 4}, DType::f32, op, "objects");
  return p;
}

// A sampled box of an image.
struct Row {
  int64_t image;
  int32_t place;   // in the list
  int32_t object;  // −1: background
};

// The rows of an image, in the order of the sample.
void add_rows(std::vector<Row>& rows, const char* op, const Problem& p, const Tensor& match, const Sampled& s, int64_t image) {
  for (const int32_t place : row_of_image<int32_t>(s.index, image)) {
    if (place < 0) continue;
    check(place < p.B, op, ": the sample names box ", place, " of a list of ", p.B);
    rows.push_back({image, place, std::max(match.data<int32_t>()[image * p.B + place], -1)});
  }
}

// The object of each row relative to its box.
Tensor deltas_of(const std::vector<Row>& rows, const Tensor& boxes, const BoxList& objects, const BoxCoder& coder) {
  const Tensor deltas = Tensor::zeros({static_cast<int64_t>(rows.size()), 4});
  auto* to = reinterpret_cast<Box*>(deltas.data<float>());
  for (const Row& r : rows) {
    const auto at = [&](const Tensor& list, int32_t i) { return boxes_of_image(list, r.image)[static_cast<size_t>(i)]; };
    if (r.object >= 0) *to = encode_box(coder, at(objects.boxes, r.object), at(boxes, r.place));
    ++to;
  }
  return deltas;
}

RoITargets targets_of(const std::vector<Row>& rows, const Problem& p, const BoxList& boxes, const BoxList& objects, const Tensor& labels,
                      const BoxCoder& coder) {
  const auto R = static_cast<int64_t>(rows.size());
  RoITargets t{{Tensor::empty({R, 5}), Tensor::zeros({p.N}, DType::i32), 0},
               Tensor::empty({R}, DType::i32),
               Tensor::empty({R}, DType::i32),
               deltas_of(rows, boxes.boxes, objects, coder)};
  float* roi = t.rows.rois.data<float>();
  for (int64_t i = 0; i < R; ++i) {
    const Row& r = rows[static_cast<size_t>(i)];
    *roi++ = static_cast<float>(r.image);
    roi = std::copy_n(boxes.boxes.data<float>() + 4 * (r.image * p.B + r.place), 4, roi);
    t.labels.data<int32_t>()[i] = r.object < 0 ? 0 : labels.data<int32_t>()[r.image * p.G + r.object];
    t.object.data<int32_t>()[i] = r.object;
    ++t.rows.count.data<int32_t>()[r.image];
  }
  return t;
}

}  // namespace

RoITargets roi_targets(const BoxList& boxes, const Tensor& match, const Sampled& s, const BoxList& objects, const Tensor& labels,
                       const BoxCoder& coder) {
  const char* op = "roi_targets";
  const Problem p = checked(op, boxes.boxes, match, s, objects);
  check_tensor(labels, {p.N, p.G}, DType::i32, op, "labels");
  if constexpr (gpu::exists) {
    if (boxes.boxes.on_gpu()) {
      RoITargets t = gpu::roi_targets(boxes.boxes, match, s.index, objects.boxes, labels, coder);
      t.rows.count = s.total;
      return t;
    }
  }
  std::vector<Row> rows;
  for (int64_t n = 0; n < p.N; ++n) add_rows(rows, op, p, match, s, n);
  std::ranges::sort(rows, {}, [](const Row& r) { return std::pair(r.image, r.place); });
  return targets_of(rows, p, boxes, objects, labels, coder);
}

RoITargets object_targets(const BoxList& boxes, const Tensor& match, const Sampled& s, const BoxList& objects, const Tensor& labels,
                          const BoxCoder& coder, int64_t most) {
  const char* op = "object_targets";
  const Problem p = checked(op, boxes.boxes, match, s, objects);
  check_tensor(labels, {p.N, p.G}, DType::i32, op, "labels");
  check(most >= 0 && most <= p.S, op, ": expected a part of a sample of ", p.S, ", got ", most);
  if constexpr (gpu::exists) {
    if (boxes.boxes.on_gpu()) {
      RoITargets t = gpu::roi_targets(boxes.boxes, match, gpu::first_columns(s.index, most), objects.boxes, labels, coder);
      t.rows.count = s.positives;
      return t;
    }
  }
  std::vector<Row> rows;
  for (int64_t n = 0; n < p.N; ++n) {
    const size_t before = rows.size();
    add_rows(rows, op, p, match, s, n);
    const auto first = rows.begin() + static_cast<int64_t>(before);
    const auto background = std::remove_if(first, rows.end(), [](const Row& r) { return r.object < 0; });
    rows.erase(std::min(background, first + std::min<int64_t>(most, background - first)), rows.end());
  }
  return targets_of(rows, p, boxes, objects, labels, coder);
}

AnchorTargets anchor_targets(const Tensor& anchors, std::span<const int64_t> of_level, int64_t of_cell, const Tensor& match,
                             const Sampled& s, const BoxList& objects, const BoxCoder& coder) {
  const char* op = "anchor_targets";
  const Problem p = checked(op, anchors, match, s, objects);
  check(of_level.size() <= 8, op, ": expected at most 8 levels, got ", of_level.size());
  int64_t all = 0;
  for (const int64_t n : of_level) {
    check(of_cell > 0 && n % of_cell == 0, op, ": expected whole cells of ", of_cell, " anchors, got ", n);
    all += n;
  }
  check(all == p.B && p.N * all <= INT32_MAX, op, ": expected the ", all, " anchors of the levels, and at most 2^31 in a batch, got ", p.B,
        " for ", p.N, " images");
  if constexpr (gpu::exists) {
    if (anchors.on_gpu()) return gpu::anchor_targets(anchors, of_level, of_cell, match, s.index, objects.boxes, coder);
  }
  std::vector<Row> rows;
  for (int64_t n = 0; n < p.N; ++n) add_rows(rows, op, p, match, s, n);
  const auto find = [&](const Row& r) {  // the level, and the place among its anchors
    size_t level = 0;
    int64_t at = r.place;
    while (at >= of_level[level]) at -= of_level[level++];
    return std::pair(level, at);
  };
  std::ranges::stable_sort(rows, {}, [&](const Row& r) { return find(r).first; });
  const auto R = static_cast<int64_t>(rows.size());
  const auto numbers = [&] { return Tensor::empty({R}, DType::i32); };
  AnchorTargets t{numbers(), numbers(), numbers(), numbers(), deltas_of(rows, anchors, objects, coder)};
  for (int64_t i = 0; i < R; ++i) {
    const Row& r = rows[static_cast<size_t>(i)];
    const auto [level, at] = find(r);
    t.level.data<int32_t>()[i] = static_cast<int32_t>(level);
    t.cell.data<int32_t>()[i] = static_cast<int32_t>(r.image * (of_level[level] / of_cell) + at / of_cell);
    t.anchor.data<int32_t>()[i] = static_cast<int32_t>(at % of_cell);
    t.labels.data<int32_t>()[i] = r.object >= 0;
  }
  return t;
}

Tensor anchor_rows(const AnchorTargets& t, int64_t of_cell, bool objects_only) {
  const int64_t R = t.labels.numel();
  check(of_cell > 0 && R * of_cell <= INT32_MAX, "anchor_rows: expected above 0 and at most 2^31 rows in all, got ", R, " of ", of_cell);
  if constexpr (gpu::exists) {
    if (t.labels.on_gpu()) return gpu::anchor_rows(t, of_cell, objects_only);
  }
  const Tensor rows = Tensor::empty({R}, DType::i32);
  const int32_t least = objects_only ? 1 : 0;
  for (int64_t i = 0; i < R; ++i)
    rows.data<int32_t>()[i] = t.labels.data<int32_t>()[i] < least ? -1 : static_cast<int32_t>(i * of_cell) + t.anchor.data<int32_t>()[i];
  return rows;
}

Tensor relabel(const Tensor& labels, const Relabelling& to) {
  check(labels.defined() && labels.dtype() == DType::i32, "relabel: labels must be i32");
  if constexpr (gpu::exists) {
    if (labels.on_gpu()) return gpu::relabel(labels, to);
  }
  const Tensor y = Tensor::empty_like(labels);
  std::ranges::transform(labels.values<int32_t>(), y.data<int32_t>(), [&](int32_t k) { return relabelled(k, to); });
  return y;
}

}  // namespace mr
