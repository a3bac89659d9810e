// The sort that top_k and nms share.
#pragma once

#include "ops/boxes/boxes_gpu.h"

namespace mr::gpu {

// Row i of a list among the rows of all images.
struct List {
  int64_t first, step;
  MR_HD int64_t at(int i) const { return first + i * step; }
};

// The rows of an image as lists: list l of all images together is group l % groups of image l / groups.
struct Lists {
  int groups = 1, length = 0;
  bool interleaved = false;
  MR_HD List list(int64_t l) const {
    const int64_t image = l / groups, group = l % groups;
    return {image * groups * length + group * (interleaved ? 1 : length), interleaved ? groups : 1};
  }
};

// Of each list the k best: index [lists,k] counts the rows of the list.
Chosen top_k_of_lists(const float* scores, const Lists& of, int64_t lists, int64_t k, bool holes, Device device);

}  // namespace mr::gpu
