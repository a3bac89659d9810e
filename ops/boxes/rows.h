// What the operators of this folder work out for one row, on either device (ops/each.h). The
// headers of the operators say what it is, and box_rules.h has the arithmetic. rows.cu lists these
// rules.
#pragma once

#include "ops/boxes/box_rules.h"
#include "ops/boxes/targets.h"

namespace mr {

// box_coder.h: i is a box.
struct EncodeRow {
  BoxCoder coder;
  const Box *gt, *anchors;
  Box* deltas;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const { at(deltas, i) = encode_box(coder, at(gt, i), at(anchors, i)); }
};

struct DecodeRow {
  BoxCoder coder;
  const Box *deltas, *anchors;
  Box* boxes;
  int64_t per_anchor;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    at(boxes, i) = decode_box(coder, at(deltas, i), at(anchors, i / per_anchor));
  }
};

struct ClipRow {
  const Box* boxes;
  Box* clipped;
  float height, width;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const { at(clipped, i) = clip_box(at(boxes, i), height, width); }
};

// iou.h: i is a pair.
struct PairRow {
  const Box *a, *b;
  float* y;
  int64_t B;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const { at(y, i) = iou(at(a, i / B), at(b, i % B)); }
};

// anchors.h: i is an anchor. The base anchors stand around (0, 0).
struct AnchorRow {
  static constexpr int most = 64;
  Box base[most];
  int64_t of_cell;
  int map_w, stride_y, stride_x;
  double offset;
  Box* anchors;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t cell = i / of_cell;
    const float x = cell_centre(static_cast<int>(cell % map_w), offset, stride_x);
    const float y = cell_centre(static_cast<int>(cell / map_w), offset, stride_y);
    at(anchors, i) = anchor_at(base[i % of_cell], x, y);
  }
};

// The box of a row of `width` floats, its last four.
template <class At> MR_HD Box box_of_row(const At& at, const float* rows, int64_t width, int64_t r) {
  const int64_t first = r * width + width - 4;
  return {at(rows, first), at(rows, first + 1), at(rows, first + 2), at(rows, first + 3)};
}

// levels.h: i is a RoI.
struct LevelRow {
  const float* rois;
  int64_t width;
  int k_min, k_max;
  float k0, s0, eps;
  int32_t* level;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    at(level, i) = level_of_box(box_of_row(at, rois, width, i), k_min, k_max, k0, s0, eps);
  }
};

// lists.h, take: i is a place of y [N,k], which takes one of x [N,M].
template <class T> struct TakeRow {
  const T* x;
  const int32_t* index;
  T* y;
  int64_t k, M;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int32_t from = at(index, i);
    at(y, i) = from >= 0 ? at(x, i / k * M + from) : T{};
  }
};

// lists.h, append: i is a place of the joined list.
struct AppendRow {
  struct Part {
    const Box* boxes;
    const int32_t* count;
    int64_t room;
  } a, b;
  Box* boxes;
  int32_t* count;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t room = a.room + b.room, n = i / room, r = i % room, first = at(a.count, n), all = first + at(b.count, n);
    Box box;
    if (r < first)
      box = at(a.boxes, n * a.room + r);
    else if (r < all)
      box = at(b.boxes, n * b.room + r - first);
    at(boxes, i) = box;
    if (r == 0) at(count, n) = static_cast<int32_t>(all);
  }
};

// Row i of rois [R,5]. A warp writes its five floats one by one,
// into sectors that its next store fills.
template <class At> MR_HD void set_roi(const At& at, float* rois, int64_t i, int64_t image, const Box& box) {
  at(rois, 5 * i) = static_cast<float>(image);
  at(rois, 5 * i + 1) = box.x1;
  at(rois, 5 * i + 2) = box.y1;
  at(rois, 5 * i + 3) = box.x2;
  at(rois, 5 * i + 4) = box.y2;
}

// lists.h, to_rows: i is a row, the box at place[i] of the list; without `place`, at i.
struct RoIRow {
  const Box* boxes;
  const int32_t* place;
  float* rois;
  int64_t room;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t from = place ? at(place, i) : i;
    set_roi(at, rois, i, from / room, at(boxes, from));
  }
};

// candidates.h: the box that a head's deltas make of a reference box,
// in its image; −∞ as its score where a side is too short.
struct DecodeCandidate {
  BoxCoder coder;
  const int32_t* sizes;  // [N,2]
  float min_size;
  Box* boxes;
  float* scores;
  template <class At>
  MR_HD void operator()(const At& at, int64_t place, int64_t image, const Box& delta, const Box& reference, float score) const {
    const auto height = static_cast<float>(at(sizes, 2 * image)), width = static_cast<float>(at(sizes, 2 * image + 1));
    const Box box = clip_box(decode_box(coder, delta, reference), height, width);
    at(boxes, place) = box;
    at(scores, place) = has_sides(box, min_size) ? score : -INFINITY;
  }
};

// i is one of the `room` places that each image has for a level. The best anchors are scattered
// over the map: a thread gathers 16 bytes of deltas and as many of anchors, and neighbours write
// neighbours.
struct ProposalRow {
  DecodeCandidate decode;
  const int32_t* index;            // [N,k]
  const float* objectness;         // [N,A]
  const Box *deltas, *anchors;     // [N,A], [A]
  int64_t room, k, A, all, first;  // `all` places of an image, of which the level's begin at `first`
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t n = i / room, r = i % room, place = n * all + first + r;
    const int64_t a = r < k ? at(index, n * k + r) : -1;
    if (a >= 0)
      decode(at, place, n, at(deltas, n * A + a), at(anchors, a), probability(at(objectness, n * A + a)));
    else
      at(decode.scores, place) = -INFINITY;
  }
};

// i is a place of the candidates [N,room·K]. Neighbours are classes of one proposal, whose deltas
// and probabilities lie side by side.
struct DetectionRow {
  DecodeCandidate decode;
  const float *probabilities, *rois;  // [R,K+1], [R,5]
  const Box* deltas;                  // [R,K+1]
  const int32_t *count, *first;       // [N]: an image's rows; the first of them, n·room without `first`
  int64_t room, K;
  float least;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t slot = i / K, k = i % K + 1, n = slot / room, r = slot % room;
    float score = -INFINITY;
    int64_t row = 0;
    if (r < at(count, n)) {
      row = (first ? at(first, n) : n * room) + r;
      score = at(probabilities, row * (K + 1) + k);
    }
    if (score > least)
      decode(at, i, n, at(deltas, row * (K + 1) + k), box_of_row(at, rois, 5, row), score);
    else
      at(decode.scores, i) = -INFINITY;
  }
};

struct DetectedLabelRow {
  const int32_t* index;
  int32_t* labels;
  int64_t classes;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int32_t place = at(index, i);
    at(labels, i) = place < 0 ? -1 : static_cast<int32_t>(place % classes) + 1;
  }
};

// targets.h: the box that a place of a sample [N,S] names.
struct SampledBox {
  int64_t image;
  int32_t from, object;  // its place in the list, −1: none; its object, −1: none
  Box box, delta;
};
struct SampledBoxes {
  BoxCoder coder;
  const Box *boxes, *objects;    // [N,B], or [B] with pitch 0; [N,G]
  const int32_t *match, *index;  // [N,B], [N,S]
  const int32_t* place;          // [R]: the place of the sample that a row is; without it, the first `columns` of each image
  int64_t pitch, B, G, S, columns;

  template <class At> MR_HD SampledBox row(const At& at, int64_t i) const {
    const int64_t of_sample = place ? at(place, i) : i / columns * S + i % columns, n = of_sample / S;
    SampledBox s{n, at(index, of_sample), -1, {}, {}};
    if (s.from < 0) return s;
    s.box = at(boxes, n * pitch + s.from);
    const int32_t object = at(match, n * B + s.from);
    if (object < 0) return s;
    s.object = object;
    s.delta = encode_box(coder, at(objects, n * G + object), s.box);
    return s;
  }
};

struct RoITargetRow {
  SampledBoxes sample;
  int32_t background;            // its label
  const int32_t* object_labels;  // [N,G]
  float* rois;
  int32_t *labels, *object;
  Box* deltas;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const SampledBox s = sample.row(at, i);
    int32_t label = s.from < 0 ? -1 : background;
    if (s.object >= 0) label = at(object_labels, s.image * sample.G + s.object);
    set_roi(at, rois, i, s.image, s.box);
    at(labels, i) = label;
    at(object, i) = s.object;
    at(deltas, i) = s.delta;
  }
};

// Row i is the i-th of the first `most` of an image's `room`.
struct ObjectPlaceRow {
  const int32_t* labels;
  int32_t* rows;
  int64_t room, most;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t row = i / most * room + i % most;
    at(rows, i) = at(labels, row) > 0 ? static_cast<int32_t>(row) : -1;
  }
};

// How many anchors the levels of a pyramid have.
struct AnchorLevels {
  static constexpr int most = 8;
  int32_t anchors[most];
  int count;

  struct Found {
    int32_t level, place, anchors;  // of the level
  };
  // Where the anchor at place `at` of the list of all levels is.
  MR_HD Found find(int32_t at) const {
    Found found{-1, 0, 1};
    for (int l = 0; l < most; ++l) {  // all of them, so that the loop is unrolled and the list stays in a GPU's registers
      if (found.level < 0 && l < count) {
        if (at < anchors[l]) found = {l, at, anchors[l]};
        at -= anchors[l];
      }
    }
    return found;
  }
};

struct AnchorTargetRow {
  SampledBoxes sample;
  AnchorLevels levels;
  int32_t of_cell;
  int32_t *level, *cell, *anchor, *labels;
  Box* deltas;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const SampledBox s = sample.row(at, i);
    const AnchorLevels::Found found = levels.find(s.from);
    const bool there = s.from >= 0;
    at(level, i) = there ? found.level : -1;
    at(cell, i) = there ? static_cast<int32_t>(s.image) * (found.anchors / of_cell) + found.place / of_cell : -1;
    at(anchor, i) = there ? found.place % of_cell : -1;
    at(labels, i) = there ? static_cast<int32_t>(s.object >= 0) : -1;
    at(deltas, i) = s.delta;
  }
};

struct AnchorOutputRow {
  const int32_t *anchor, *labels;
  int32_t* rows;
  int32_t least, of_cell;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    at(rows, i) = at(labels, i) < least ? -1 : static_cast<int32_t>(i) * of_cell + at(anchor, i);
  }
};

struct OneChannelRow {
  const int32_t* labels;
  int32_t* y;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const { at(y, i) = at(labels, i) > 0 ? 0 : -1; }
};

}  // namespace mr
