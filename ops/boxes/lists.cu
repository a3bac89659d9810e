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
  if (i >= n) return;
  const int32_t k = load<int32_t>(labels + i);
  store(y + i, k < 0 ? to.nothing : k == 0 ? to.background : to.object == Relabelling::own ? k : to.object);
}

constexpr int most_levels = 8;
struct Levels {
  int32_t anchors[most_levels];
  int count;
};

__global__ void level_rows_kernel(const int32_t* index, const int32_t* labels, Levels levels, int32_t* rows, int64_t images, int64_t S) {
  const int64_t i = this_row();
  if (i >= images * S) return;
  int32_t at = load<int32_t>(index + i);
  if (at >= 0 && labels && load<int32_t>(labels + i) <= 0) at = -1;
  if (at >= 0) {
    int32_t first = 0;  // row of the level's first anchor of the first image
    int l = 0;
    for (; l < levels.count && at >= levels.anchors[l]; ++l) {
      at -= levels.anchors[l];
      first += static_cast<int32_t>(images) * levels.anchors[l];
    }
    at = l < levels.count ? at + first + static_cast<int32_t>(i / S) * levels.anchors[l] : -1;
  }
  store(rows + i, at);
}

// A thread has one anchor of one level's list.
__global__ void level_cells_kernel(const int32_t* index, Levels levels, int32_t of_cell, int32_t* cells, int64_t n, int64_t S) {
  const int64_t to = this_row(), i = to % n;
  const int level = static_cast<int>(to / n);
  if (level >= levels.count) return;
  int32_t at = load<int32_t>(index + i);
  int32_t anchors = 0;
  MR_UNROLL
  for (int l = 0; l < most_levels; ++l) {    // all of them: an index known only here would put the list on the stack
    if (l < level) at -= levels.anchors[l];  // below 0 for one of a finer level, and for none
    if (l == level) anchors = levels.anchors[l];
  }
  store(cells + to, at < 0 || at >= anchors ? -1 : static_cast<int32_t>(i / S) * (anchors / of_cell) + at / of_cell);
}

__global__ void cell_rows_kernel(const int32_t* index, const int32_t* labels, int32_t of_cell, int32_t* rows, int64_t n) {
  const int64_t i = this_row();
  if (i >= n) return;
  const int32_t at = load<int32_t>(index + i);
  const bool none = at < 0 || (labels && load<int32_t>(labels + i) <= 0);
  store(rows + i, none ? -1 : static_cast<int32_t>(i) * of_cell + at % of_cell);
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
  BoxRows boxes;
  const int32_t *match, *index;  // [N,B], [N,S]
  const Box* gt;                 // [N,G]
  const int32_t* gt_labels;      // [N,G] or null
  int S, G;
};
struct Targets {
  float* rois;
  int32_t *labels, *gt;
  Box* deltas;
};

__global__ void box_targets_kernel(Sources s, Targets to, BoxCoder coder, int64_t n) {
  const int64_t i = this_row();
  if (i >= n) return;
  const int64_t image = i / s.S;
  const int32_t from = load<int32_t>(s.index + i);
  Box box, delta;
  int32_t label = -1, gt = -1;
  if (from >= 0) {
    box = load<Box>(s.boxes.boxes + image * s.boxes.pitch + from);
    gt = load<int32_t>(s.match + image * s.boxes.rows + from);
    label = 0;
    if (gt >= 0) {
      label = s.gt_labels ? load<int32_t>(s.gt_labels + image * s.G + gt) : 1;
      delta = encode_box(coder, load<Box>(s.gt + image * s.G + gt), box);
    } else {
      gt = -1;
    }
  }
  store_roi(to.rois + 5 * i, image, box);
  store(to.labels + i, label);
  store(to.gt + i, gt);
  store(to.deltas + i, delta);
}

// index [N,S] → N
int64_t image_lists(const char* op, const Tensor& index) {
  check(index.defined() && index.rank() == 2, op, ": index must be [N,S] i32, got ", index.defined() ? index.shape() : Shape{});
  return index.size(0);
}

Levels levels_of(const char* op, std::span<const int64_t> anchors, int64_t images) {
  check(anchors.size() <= most_levels, op, ": expected at most ", most_levels, " levels, got ", anchors.size());
  Levels levels{};
  int64_t all = 0;
  for (const int64_t n : anchors) {
    levels.anchors[levels.count++] = static_cast<int32_t>(n);
    all += n;
  }
  check(images * all <= INT32_MAX, op, ": expected at most 2^31 anchors in a batch, got ", images * all);
  return levels;
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& index) {
  check(x.defined() && (x.rank() == 2 || (x.rank() == 3 && x.size(2) == 4)) && (x.dtype() == DType::f32 || x.dtype() == DType::i32),
        "take: x must be [N,M] or [N,M,4], f32 or i32, got ", x.defined() ? x.shape() : Shape{}, " ", x.dtype());
  check(index.defined() && index.rank() == 2, "take: index must be [N,k] i32, got ", index.defined() ? index.shape() : Shape{});
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
  check(labels.defined() && labels.dtype() == DType::i32, "relabel: labels must be i32");
  const Tensor y = Tensor::empty_like(labels);
  const int64_t n = labels.numel();
  if (n > 0)
    launch("relabel", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), relabel_kernel, labels.device_data<int32_t>(),
           y.device_data<int32_t>(), to, n);
  return y;
}

Tensor level_rows(const Tensor& index, std::span<const int64_t> anchors, const Tensor& labels) {
  const char* op = "level_rows";
  const int64_t N = image_lists(op, index), S = index.size(1);
  const Levels levels = levels_of(op, anchors, N);
  const auto* at = checked_data<int32_t>(index, op, "index", {N, S});
  const auto* label = optional_data<int32_t>(labels, op, "labels", {N, S});
  const Tensor rows = Tensor::empty({N * S}, DType::i32, index.device());
  if (N * S > 0)
    launch(op, {blocks_of(N * S, threads)}, {threads}, 0, compute_stream(), level_rows_kernel, at, label, levels,
           rows.device_data<int32_t>(), N, S);
  return rows;
}

Tensor level_cells(const Tensor& index, std::span<const int64_t> anchors, int64_t of_cell) {
  const char* op = "level_cells";
  const int64_t N = image_lists(op, index), S = index.size(1);
  const Levels levels = levels_of(op, anchors, N);
  for (const int64_t n : anchors) check(of_cell > 0 && n % of_cell == 0, op, ": expected whole cells of ", of_cell, " anchors, got ", n);
  const auto* at = checked_data<int32_t>(index, op, "index", {N, S});
  const Tensor cells = Tensor::empty({levels.count, N * S}, DType::i32, index.device());
  if (cells.numel() > 0)
    launch(op, {blocks_of(cells.numel(), threads)}, {threads}, 0, compute_stream(), level_cells_kernel, at, levels,
           static_cast<int32_t>(of_cell), cells.device_data<int32_t>(), N * S, S);
  return cells;
}

Tensor cell_rows(const Tensor& index, int64_t of_cell, const Tensor& labels) {
  const char* op = "cell_rows";
  const int64_t N = image_lists(op, index), S = index.size(1);
  check(of_cell > 0 && N * S * of_cell <= INT32_MAX, op, ": expected above 0 and at most 2^31 rows in all, got ", N * S, " of ", of_cell);
  const auto* at = checked_data<int32_t>(index, op, "index", {N, S});
  const auto* label = optional_data<int32_t>(labels, op, "labels", {N, S});
  const Tensor rows = Tensor::empty({N * S}, DType::i32, index.device());
  if (N * S > 0)
    launch(op, {blocks_of(N * S, threads)}, {threads}, 0, compute_stream(), cell_rows_kernel, at, label, static_cast<int32_t>(of_cell),
           rows.device_data<int32_t>(), N * S);
  return rows;
}

Tensor to_rois(const Tensor& boxes) {
  check(boxes.defined() && boxes.rank() == 3, "to_rois: boxes must be [N,R,4] f32, got ", boxes.defined() ? boxes.shape() : Shape{});
  const int64_t R = boxes.size(1), n = boxes.size(0) * R;
  const Box* from = checked_boxes(boxes, "to_rois", "boxes", {boxes.size(0), R, 4});
  const Tensor rois = Tensor::empty({n, 5}, DType::f32, boxes.device());
  if (n > 0)
    launch("to_rois", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), to_rois_kernel, from, rois.device_data<float>(), n, R);
  return rois;
}

Tensor detected_labels(const Tensor& index, int64_t classes) {
  check(index.defined() && index.dtype() == DType::i32 && classes > 0, "detected_labels: index must be i32, classes above 0, got ",
        classes);
  const Tensor labels = Tensor::empty_like(index);
  const int64_t n = index.numel();
  if (n > 0)
    launch("detected_labels", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), detected_labels_kernel, index.device_data<int32_t>(),
           labels.device_data<int32_t>(), static_cast<int32_t>(classes), n);
  return labels;
}

BoxList append(const Tensor& a, const Tensor& a_count, const Tensor& b, const Tensor& b_count) {
  check(a.defined() && b.defined() && a.rank() == 3 && b.rank() == 3, "append: expected boxes [N,A,4] and [N,B,4] f32");
  const int64_t N = a.size(0), A = a.size(1), B = b.size(1), n = N * (A + B);
  const Part first{checked_boxes(a, "append", "a", {N, A, 4}), checked_data<int32_t>(a_count, "append", "a_count", {N}),
                   static_cast<int>(A)},
      second{checked_boxes(b, "append", "b", {N, B, 4}), checked_data<int32_t>(b_count, "append", "b_count", {N}), static_cast<int>(B)};
  const BoxList all{Tensor::empty({N, A + B, 4}, DType::f32, a.device()), Tensor::empty({N}, DType::i32, a.device())};
  if (n == 0) {
    all.count.fill_(0);
    return all;
  }
  launch("append", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), append_kernel, first, second,
         checked_boxes(all.boxes, "append", "boxes", all.boxes.shape()), all.count.device_data<int32_t>(), n);
  return all;
}

BoxTargets box_targets(const Tensor& boxes, const Tensor& match, const Tensor& index, const Tensor& gt, const Tensor& labels,
                       const BoxCoder& coder) {
  const char* op = "box_targets";
  check(index.defined() && index.rank() == 2 && gt.defined() && gt.rank() == 3, op, ": expected index [N,S] i32 and gt [N,G,4] f32");
  const int64_t N = index.size(0), S = index.size(1), G = gt.size(1), n = N * S;
  const BoxRows rows = box_rows(boxes, N, op, "boxes");
  const Sources s{rows,
                  checked_data<int32_t>(match, op, "match", {N, rows.rows}),
                  checked_data<int32_t>(index, op, "index", {N, S}),
                  checked_boxes(gt, op, "gt", {N, G, 4}),
                  optional_data<int32_t>(labels, op, "labels", {N, G}),
                  static_cast<int>(S),
                  static_cast<int>(G)};
  const auto empty = [&](const Shape& shape, DType type) { return Tensor::empty(shape, type, index.device()); };
  BoxTargets t{empty({n, 5}, DType::f32), empty({N, S}, DType::i32), empty({N, S}, DType::i32), empty({N, S, 4}, DType::f32)};
  const Targets to{t.rois.device_data<float>(), t.labels.device_data<int32_t>(), t.gt.device_data<int32_t>(),
                   checked_boxes(t.deltas, op, "deltas", {N, S, 4})};
  if (n > 0) launch(op, {blocks_of(n, threads)}, {threads}, 0, compute_stream(), box_targets_kernel, s, to, coder, n);
  return t;
}

}  // namespace mr::gpu
