// What a GPU does in another way than the CPU: the headers of the operators say what. All images at
// once, queued; nothing waits for the host. The operators have checked the tensors, which are of
// the device.
#pragma once

#include "ops/boxes/inputs.h"
#include "ops/boxes/lists.h"

namespace mr::gpu {

constexpr int64_t longest_sort = 16384;  // rows that one block sorts
constexpr int64_t blocks_of(int64_t n, int64_t block) { return (n + block - 1) / block; }

// Of each list of scores the k best: index [lists,k] counts the rows of the list.
Chosen top_k(const float* scores, const Groups& of, int64_t lists, int64_t k, bool holes, Device device);
// Of `lists` lists of boxes those that are kept: their scores, where `kept` has −∞.
void suppress(const Box* boxes, const float* scores, const Groups& of, int64_t lists, float threshold, const Tensor& kept);
void match_boxes(const Pairs& pairs, bool keep_best, const Tensor& match);
void sample_balanced(const int32_t* match, const int32_t* streams, int64_t B, int64_t most_positive, const Tensor& index);
// width: of the widest bitmap.
void mask_targets(const Bitmaps& masks, int64_t width, const float* rois, const int32_t* object, bool aligned, const Tensor& targets);

}  // namespace mr::gpu
