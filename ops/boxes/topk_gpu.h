// The sort that top_k and nms share.
#pragma once

#include "ops/boxes/boxes_gpu.h"

namespace mr::gpu {

// The rows of an image as lists: list l of all images together is group l % groups of image l / groups.
struct Lists {
  int groups = 1, length = 0;
  bool interleaved = false;
  MR_HD int64_t at(int64_t list, int i) const {  // row i of a list among the rows of all images
    const int64_t image = list / groups, group = list % groups;
    const int64_t row = interleaved ? int64_t{i} * groups + group : group * length + i;
    return image * groups * length + row;
  }
};

// Of each list the k best: index [lists,k] counts the rows of the list.
Chosen top_k_of_lists(const float* scores, const Lists& of, int64_t lists, int64_t k, bool holes, Device device);

}  // namespace mr::gpu
