#include "ops/boxes/targets.h"

#include <algorithm>
#include <vector>

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

namespace mr {
namespace {

struct Sample {
  const char* op;
  Device device;
  int64_t N;
  SampledBoxes of;

  // Makes these places of the sample the rows; on a GPU all of its first columns. → how many rows there are.
  int64_t use(const std::vector<int32_t>& places) {
    if (device.type != DeviceType::cpu) return N * of.columns;
    of.place = places.data();
    return static_cast<int64_t>(places.size());
  }
};
Sample checked(const char* op, const Tensor& boxes, const Tensor& match, const Tensor& index, const BoxList& objects,
               const BoxCoder& coder) {
  check(index.defined() && index.rank() == 2 && objects.boxes.defined() && objects.boxes.rank() == 3, op,
        ": expected a sample [N,S] i32 and objects [N,G,4] f32");
  const Operands of(op, boxes.device());
  const bool shared = boxes.rank() == 2;
  const int64_t N = index.size(0), S = index.size(1), B = boxes.size(boxes.rank() - 2), G = objects.boxes.size(1);
  const SampledBoxes s{.coder = coder,
                       .boxes = of.as<Box>(boxes, "boxes", shared ? Shape{B, 4} : Shape{N, B, 4}),
                       .objects = of.as<Box>(objects.boxes, "objects", {N, G, 4}),
                       .match = of.as<int32_t>(match, "match", {N, B}),
                       .index = of.as<int32_t>(index, "the sample", {N, S}),
                       .place = nullptr,
                       .pitch = shared ? 0 : B,
                       .B = B,
                       .G = G,
                       .S = S,
                       .columns = S};
  return {op, boxes.device(), N, s};
}

// The places of the sample that name a box, image after image. On the CPU: a GPU has a row for each place.
std::vector<int32_t> filled_places(const Sample& s) {
  std::vector<int32_t> places;
  if (s.device.type != DeviceType::cpu) return places;
  for (int32_t p = 0; p < s.N * s.of.S; ++p) {
    check(s.of.index[p] < s.of.B, s.op, ": the sample names box ", s.of.index[p], " of a list of ", s.of.B);
    if (s.of.index[p] >= 0) places.push_back(p);
  }
  return places;
}

RoITargets targets_of(Sample s, const Tensor& labels, const std::vector<int32_t>& places, int32_t background) {
  const int64_t R = s.use(places);
  const Operands of(s.op, s.device);
  const auto rows = [&](const Shape& shape, DType type) { return Tensor::empty(shape, type, s.device); };
  RoITargets t{rows({R, 5}, DType::f32), rows({R}, DType::i32), rows({R}, DType::i32), rows({R, 4}, DType::f32)};
  each_row(s.op, s.device, R,
           RoITargetRow{s.of, background, of.as<int32_t>(labels, "labels", {s.N, s.of.G}), of.as<float>(t.rois, "rois", {R, 5}),
                        of.as<int32_t>(t.labels, "labels", {R}), of.as<int32_t>(t.object, "object", {R}), of.boxes(t.deltas, "deltas")});
  return t;
}

}  // namespace

RoITargets roi_targets(const BoxList& boxes, const Tensor& match, const Tensor& sample, const BoxList& objects, const Tensor& labels,
                       const BoxCoder& coder) {
  const Sample s = checked("roi_targets", boxes.boxes, match, sample, objects, coder);
  std::vector<int32_t> places = filled_places(s);
  std::ranges::sort(places, {}, [&](int32_t p) { return std::pair(p / s.of.S, s.of.index[p]); });
  return targets_of(s, labels, places, 0);
}

RoITargets object_targets(const BoxList& boxes, const Tensor& match, const Tensor& sample, const BoxList& objects, const Tensor& labels,
                          const BoxCoder& coder, int64_t most) {
  Sample s = checked("object_targets", boxes.boxes, match, sample, objects, coder);
  check(most >= 0 && most <= s.of.S, s.op, ": expected a part of a sample of ", s.of.S, ", got ", most);
  s.of.columns = most;
  std::vector<int32_t> places = filled_places(s);
  std::vector<int64_t> taken(static_cast<size_t>(s.N));  // of each image
  std::erase_if(places, [&](int32_t p) {
    const int64_t n = p / s.of.S;
    return s.of.match[n * s.of.B + s.of.index[p]] < 0 || ++taken[static_cast<size_t>(n)] > most;
  });
  return targets_of(s, labels, places, -1);
}

Tensor object_rows(const RoITargets& all, int64_t images, int64_t most) {
  const char* op = "object_rows";
  const int64_t R = all.labels.numel();
  check(images > 0 && most >= 0, op, ": expected images and a number of objects, got ", images, " and ", most);
  const Operands of(op, all.labels.device());
  const auto* labels = of.as<int32_t>(all.labels, "labels", {R});
  if (all.labels.on_gpu()) {  // every image has as many rows
    check(R % images == 0 && most <= R / images, op, ": expected at most the ", R / images, " rows of an image, got ", most);
    const Tensor rows = Tensor::empty({images * most}, DType::i32, all.labels.device());
    each_row(op, rows.device(), rows.numel(), ObjectPlaceRow{labels, of.as<int32_t>(rows, "rows", {images * most}), R / images, most});
    return rows;
  }
  const float* rois = of.as<float>(all.rois, "rois", {R, 5});
  std::vector<int64_t> taken(static_cast<size_t>(images));
  std::vector<int32_t> rows;
  for (int32_t r = 0; r < R; ++r)
    if (labels[r] > 0 && ++taken.at(static_cast<size_t>(rois[5 * r])) <= most) rows.push_back(r);
  return Tensor::of<int32_t>({static_cast<int64_t>(rows.size())}, rows);
}

AnchorTargets anchor_targets(const Tensor& anchors, std::span<const int64_t> of_level, int64_t of_cell, const Tensor& match,
                             const Tensor& sample, const BoxList& objects, const BoxCoder& coder) {
  const char* op = "anchor_targets";
  Sample s = checked(op, anchors, match, sample, objects, coder);
  check(of_level.size() <= AnchorLevels::most, op, ": expected at most ", AnchorLevels::most, " levels, got ", of_level.size());
  AnchorLevels levels{};
  int64_t all = 0;
  for (const int64_t n : of_level) {
    check(of_cell > 0 && n % of_cell == 0, op, ": expected whole cells of ", of_cell, " anchors, got ", n);
    levels.anchors[levels.count++] = static_cast<int32_t>(n);
    all += n;
  }
  check(all == s.of.B && s.N * all <= INT32_MAX, op, ": expected the ", all, " anchors of the levels, and at most 2^31 in a batch, got ",
        s.of.B, " for ", s.N, " images");
  std::vector<int32_t> places = filled_places(s);
  std::ranges::stable_sort(places, {}, [&](int32_t p) { return levels.find(s.of.index[p]).level; });
  const int64_t R = s.use(places);
  const Operands of(op, s.device);
  const auto numbers = [&] { return Tensor::empty({R}, DType::i32, s.device); };
  AnchorTargets t{numbers(), numbers(), numbers(), numbers(), Tensor::empty({R, 4}, DType::f32, s.device)};
  each_row(op, s.device, R,
           AnchorTargetRow{s.of, levels, static_cast<int32_t>(of_cell), of.as<int32_t>(t.level, "level", {R}),
                           of.as<int32_t>(t.cell, "cell", {R}), of.as<int32_t>(t.anchor, "anchor", {R}),
                           of.as<int32_t>(t.labels, "labels", {R}), of.boxes(t.deltas, "deltas")});
  return t;
}

Tensor anchor_rows(const AnchorTargets& t, int64_t of_cell, bool objects_only) {
  const int64_t R = t.labels.numel();
  check(of_cell > 0 && R * of_cell <= INT32_MAX, "anchor_rows: expected above 0 and at most 2^31 rows in all, got ", R, " of ", of_cell);
  const Operands of("anchor_rows", t.labels.device());
  const Tensor rows = Tensor::empty_like(t.labels);
  each_row("anchor_rows", t.labels.device(), R,
           AnchorOutputRow{of.as<int32_t>(t.anchor, "anchor", {R}), of.as<int32_t>(t.labels, "labels", {R}),
                           of.as<int32_t>(rows, "rows", {R}), objects_only ? 1 : 0, static_cast<int32_t>(of_cell)});
  return rows;
}

Tensor label_rows(const Tensor& labels, int64_t columns) {
  const char* op = "label_rows";
  check(labels.defined() && labels.rank() == 1, op, ": labels must be a vector");
  const int64_t R = labels.numel();
  check(columns > 0 && R * columns <= INT32_MAX, op, ": expected above 0 and at most 2^31 rows in all, got ", R, " of ", columns);
  const Operands of(op, labels.device());
  const auto* k = of.as<int32_t>(labels, "labels", {R});
  if (!labels.on_gpu())
    for (int64_t r = 0; r < R; ++r) check(k[r] >= -1 && k[r] < columns, op, ": label ", r, " must be in [-1, ", columns, "), got ", k[r]);
  const Tensor rows = Tensor::empty_like(labels);
  each_row(op, labels.device(), R, AnchorOutputRow{k, k, of.as<int32_t>(rows, "rows", {R}), 0, static_cast<int32_t>(columns)});
  return rows;
}

Tensor one_channel(const Tensor& labels) {
  check(labels.defined() && labels.dtype() == DType::i32, "one_channel: labels must be i32");
  const Operands of("one_channel", labels.device());
  const Tensor y = Tensor::empty_like(labels);
  each_row("one_channel", labels.device(), labels.numel(),
           OneChannelRow{of.as<int32_t>(labels, "labels", labels.shape()), of.as<int32_t>(y, "y", labels.shape())});
  return y;
}

}  // namespace mr
