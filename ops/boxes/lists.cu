// Rows picked from lists, lists joined, and what a sampled box is to learn. One row a thread.
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

__device__ int64_t this_row() { return int64_t{blockIdx.x} * threads + int64_t{threadIdx.x}; }

// A row of x is `width` words: 4 of a box, or 1.
template <int width> __global__ void take_kernel(const uint32_t* x, const int32_t* index, uint32_t* y, int64_t n, int64_t k, int64_t M) {
  const int64_t i = this_row();
  if (i >= n) return;
  const int32_t from = load<int32_t>(index + i);
  Pack<uint32_t, width> row{};
  if (from >= 0) row = load<Pack<uint32_t, width>>(x + (i / k * M + from) * width);
  store(y + i * width, row);
}

__global__ void first_columns_kernel(const int32_t* x, int32_t* y, int64_t n, int64_t S, int64_t k) {
  const int64_t i = this_row();
  if (i < n) store(y + i, load<int32_t>(x + i / k * S + i % k));
}

__global__ void relabel_kernel(const int32_t* labels, int32_t* y, Relabelling to, int64_t n) {
  const int64_t i = this_row();
  if (i < n) store(y + i, relabelled(load<int32_t>(labels + i), to));
}

constexpr int most_levels = 8;
struct Levels {
  int32_t anchors[most_levels];
  int count;
};

// Where the place of an anchor in the list of all levels is: its level, and its place in that.
struct LevelPlace {
  int32_t level, place, anchors;
};
__device__ LevelPlace level_of(const Levels& levels, int32_t at) {
  LevelPlace found{-1, 0, 1};
  MR_UNROLL
  for (int l = 0; l < most_levels; ++l) {  // all of them: an index known only here would put the list on the stack
    if (found.level < 0 && l < levels.count) {
      if (at < levels.anchors[l]) found = {l, at, levels.anchors[l]};
      at -= levels.anchors[l];
    }
  }
  return found;
}

__global__ void anchor_rows_kernel(const int32_t* anchor, const int32_t* labels, int32_t least, int32_t of_cell, int32_t* rows, int64_t n) {
  const int64_t i = this_row();
  if (i < n) store(rows + i, load<int32_t>(labels + i) < least ? -1 : static_cast<int32_t>(i) * of_cell + load<int32_t>(anchor + i));
}

// The five floats of a RoI are written one by one, 20 bytes apart in a warp, into sectors that its next store fills.
__device__ void store_roi(float* roi, int64_t image, const Box& box) {
  store(roi, static_cast<float>(image));
  store(roi + 1, box.x1);
  store(roi + 2, box.y1);
  store(roi + 3, box.x2);
  store(roi + 4, box.y2);
}

__global__ void to_rois_kernel(const Box* boxes, float* rois, int64_t n, int64_t R) {
  const int64_t i = this_row();
  if (i < n) store_roi(rois + 5 * i, i / R, load<Box>(boxes + i));
}

__global__ void detected_labels_kernel(const int32_t* index, int32_t* labels, int32_t classes, int64_t n) {
  const int64_t i = this_row();
  if (i >= n) return;
  const int32_t row = load<int32_t>(index + i);
  store(labels + i, row < 0 ? -1 : row % classes + 1);
}

struct Part {
  const Box* boxes;
  const int32_t* counts;
  int room;
};

__global__ void append_kernel(Part a, Part b, Box* boxes, int32_t* counts, int64_t n) {
  const int64_t i = this_row(), room = a.room + b.room;
  if (i >= n) return;
  const int64_t image = i / room;
  const int r = static_cast<int>(i % room), first = load<int32_t>(a.counts + image), second = load<int32_t>(b.counts + image);
  Box box;
  if (r < first)
    box = load<Box>(a.boxes + image * a.room + r);
  else if (r - first < second)
    box = load<Box>(b.boxes + image * b.room + (r - first));
  store(boxes + i, box);
  if (r == 0) store(counts + image, first + second);
}

struct Sources {
  SharedBoxes boxes;
  const int32_t *match, *index;  // [N,B], [N,S]
  const Box* objects;            // [N,G]
  int S, G;
};

// What a place of the sample says.
struct SampledBox {
  int32_t from, object;  // −1: none
  Box box, delta;
};
__device__ SampledBox sampled(const Sources& s, const BoxCoder& coder, int64_t i) {
  const int64_t image = i / s.S;
  SampledBox r{load<int32_t>(s.index + i), -1, {}, {}};
  if (r.from < 0) return r;
  r.box = load<Box>(s.boxes.boxes + image * s.boxes.pitch + r.from);
  r.object = max(load<int32_t>(s.match + image * s.boxes.rows + r.from), -1);
  if (r.object >= 0) r.delta = encode_box(coder, load<Box>(s.objects + image * s.G + r.object), r.box);
  return r;
}

struct RoIColumns {
  float* rois;
  int32_t *labels, *object;
  Box* deltas;
};
__global__ void roi_targets_kernel(Sources s, const int32_t* object_labels, RoIColumns to, BoxCoder coder, int64_t n) {
  const int64_t i = this_row();
  if (i >= n) return;
  const SampledBox r = sampled(s, coder, i);
  int32_t label = -1;
  if (r.from >= 0) label = r.object >= 0 ? load<int32_t>(object_labels + i / s.S * s.G + r.object) : 0;
  store_roi(to.rois + 5 * i, i / s.S, r.box);
  store(to.labels + i, label);
  store(to.object + i, r.object);
  store(to.deltas + i, r.delta);
}

struct AnchorColumns {
  int32_t *level, *cell, *anchor, *labels;
  Box* deltas;
};
__global__ void anchor_targets_kernel(Sources s, Levels levels, int32_t of_cell, AnchorColumns to, BoxCoder coder, int64_t n) {
  const int64_t i = this_row();
  if (i >= n) return;
  const SampledBox r = sampled(s, coder, i);
  LevelPlace at{-1, -1, 1};
  if (r.from >= 0) at = level_of(levels, r.from);
  const bool there = at.level >= 0;
  store(to.level + i, at.level);
  store(to.cell + i, there ? static_cast<int32_t>(i / s.S) * (at.anchors / of_cell) + at.place / of_cell : -1);
  store(to.anchor + i, there ? at.place % of_cell : -1);
  store(to.labels + i, there ? static_cast<int32_t>(r.object >= 0) : -1);
  store(to.deltas + i, r.delta);
}

Levels levels_of(std::span<const int64_t> anchors) {
  Levels levels{};
  for (const int64_t n : anchors) levels.anchors[levels.count++] = static_cast<int32_t>(n);
  return levels;
}

Sources sources_of(const char* op, const Tensor& boxes, const Tensor& match, const Tensor& index, const Tensor& objects) {
  const int64_t N = index.size(0), S = index.size(1), G = objects.size(1);
  const SharedBoxes rows = shared_boxes(boxes, N, op, "boxes");
  return {rows,
          checked_data<int32_t>(match, op, "match", {N, rows.rows}),
          checked_data<int32_t>(index, op, "index", {N, S}),
          checked_boxes(objects, op, "objects", {N, G, 4}),
          static_cast<int>(S),
          static_cast<int>(G)};
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& index) {
  const int64_t N = x.size(0), M = x.size(1), k = index.size(1), n = N * k;
  const auto* at = checked_data<int32_t>(index, "take", "index", {N, k});
  const Tensor y = Tensor::empty(x.rank() == 2 ? Shape{N, k} : Shape{N, k, 4}, x.dtype(), x.device());
  if (n == 0) return y;
  const auto words = [](const Tensor& t) { return reinterpret_cast<uint32_t*>(t.raw()); };
  const uint32_t* from = words(x);
  launch("take", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), x.rank() == 2 ? take_kernel<1> : take_kernel<4>, from, at,
         words(y), n, k, M);
  return y;
}

Tensor first_columns(const Tensor& x, int64_t k) {
  check(x.defined() && x.rank() == 2 && k >= 0 && k <= x.size(1), "first_columns: expected [N,S] i32 with at least ", k, " columns, got ",
        x.defined() ? x.shape() : Shape{});
  const int64_t N = x.size(0), S = x.size(1), n = N * k;
  const auto* from = checked_data<int32_t>(x, "first_columns", "x", {N, S});
  const Tensor y = Tensor::empty({N, k}, DType::i32, x.device());
  if (n > 0)
    launch("first_columns", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), first_columns_kernel, from, y.device_data<int32_t>(),
           n, S, k);
  return y;
}

Tensor relabel(const Tensor& labels, const Relabelling& to) {
  const Tensor y = Tensor::empty_like(labels);
  const int64_t n = labels.numel();
  if (n > 0)
    launch("relabel", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), relabel_kernel, labels.device_data<int32_t>(),
           y.device_data<int32_t>(), to, n);
  return y;
}

Tensor anchor_rows(const AnchorTargets& t, int64_t of_cell, bool objects_only) {
  const int64_t R = t.labels.numel();
  const auto* anchor = checked_data<int32_t>(t.anchor, "anchor_rows", "anchor", {R});
  const auto* labels = checked_data<int32_t>(t.labels, "anchor_rows", "labels", {R});
  const Tensor rows = Tensor::empty({R}, DType::i32, t.labels.device());
  if (R > 0)
    launch("anchor_rows", {blocks_of(R, threads)}, {threads}, 0, compute_stream(), anchor_rows_kernel, anchor, labels, objects_only ? 1 : 0,
           static_cast<int32_t>(of_cell), rows.device_data<int32_t>(), R);
  return rows;
}

Tensor to_rois(const Tensor& boxes) {
  const int64_t R = boxes.size(1), n = boxes.size(0) * R;
  const Box* from = checked_boxes(boxes, "to_rois", "boxes", {boxes.size(0), R, 4});
  const Tensor rois = Tensor::empty({n, 5}, DType::f32, boxes.device());
  if (n > 0)
    launch("to_rois", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), to_rois_kernel, from, rois.device_data<float>(), n, R);
  return rois;
}

Tensor detected_labels(const Tensor& index, int64_t classes) {
  const Tensor labels = Tensor::empty_like(index);
  const int64_t n = index.numel();
  if (n > 0)
    launch("detected_labels", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), detected_labels_kernel, index.device_data<int32_t>(),
           labels.device_data<int32_t>(), static_cast<int32_t>(classes), n);
  return labels;
}

BoxList append(const BoxList& a, const BoxList& b) {
  const int64_t N = a.boxes.size(0), A = a.boxes.size(1), B = b.boxes.size(1), n = N * (A + B);
  const auto part = [&](const BoxList& list, const char* what) {
    return Part{checked_boxes(list.boxes, "append", what, list.boxes.shape()), list.count.device_data<int32_t>(),
                static_cast<int>(list.boxes.size(1))};
  };
  const Part first = part(a, "a"), second = part(b, "b");
  BoxList all{Tensor::empty({N, A + B, 4}, DType::f32, a.boxes.device()), Tensor::empty({N}, DType::i32, a.boxes.device())};
  if (n == 0) {
    all.count.fill_(0);
    return all;
  }
  launch("append", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), append_kernel, first, second,
         checked_boxes(all.boxes, "append", "boxes", all.boxes.shape()), all.count.device_data<int32_t>(), n);
  return all;
}

RoITargets roi_targets(const Tensor& boxes, const Tensor& match, const Tensor& index, const Tensor& objects, const Tensor& labels,
                       const BoxCoder& coder) {
  const char* op = "roi_targets";
  const int64_t N = index.size(0), S = index.size(1), R = N * S;
  const Sources s = sources_of(op, boxes, match, index, objects);
  const auto empty = [&](const Shape& shape, DType type) { return Tensor::empty(shape, type, index.device()); };
  RoITargets t{{empty({R, 5}, DType::f32), {}, S}, empty({R}, DType::i32), empty({R}, DType::i32), empty({R, 4}, DType::f32)};
  const RoIColumns to{t.rows.rois.device_data<float>(), t.labels.device_data<int32_t>(), t.object.device_data<int32_t>(),
                      checked_boxes(t.deltas, op, "deltas", {R, 4})};
  const auto* object_labels = checked_data<int32_t>(labels, op, "labels", {N, objects.size(1)});
  if (R > 0) launch(op, {blocks_of(R, threads)}, {threads}, 0, compute_stream(), roi_targets_kernel, s, object_labels, to, coder, R);
  return t;
}

AnchorTargets anchor_targets(const Tensor& anchors, std::span<const int64_t> of_level, int64_t of_cell, const Tensor& match,
                             const Tensor& index, const Tensor& objects, const BoxCoder& coder) {
  const char* op = "anchor_targets";
  const int64_t R = index.numel();
  const Sources s = sources_of(op, anchors, match, index, objects);
  const auto numbers = [&] { return Tensor::empty({R}, DType::i32, index.device()); };
  AnchorTargets t{numbers(), numbers(), numbers(), numbers(), Tensor::empty({R, 4}, DType::f32, index.device())};
  const AnchorColumns to{t.level.device_data<int32_t>(), t.cell.device_data<int32_t>(), t.anchor.device_data<int32_t>(),
                         t.labels.device_data<int32_t>(), checked_boxes(t.deltas, op, "deltas", {R, 4})};
  if (R > 0)
    launch(op, {blocks_of(R, threads)}, {threads}, 0, compute_stream(), anchor_targets_kernel, s, levels_of(of_level),
           static_cast<int32_t>(of_cell), to, coder, R);
  return t;
}

}  // namespace mr::gpu
