#include "tensor/shape.h"

#include <algorithm>

#include "base/check.h"

namespace mr {

Shape::Shape(std::span<const int64_t> sizes) {
  check(sizes.size() <= max_rank, "shape: at most ", max_rank, " axes, got ", sizes.size());
  for (const int64_t s : sizes) {
    check(s >= 0, "shape: sizes must be 0 or more, got ", s, " on axis ", rank_);
    check(s == 0 || numel_ <= (int64_t{1} << 62) / s, "shape: more than 2^62 elements");
    sizes_[rank_++] = s;
    numel_ *= s;
  }
}

bool Shape::operator==(const Shape& o) const { return std::ranges::equal(sizes(), o.sizes()); }

void append(std::string& out, const Shape& shape) {
  out.push_back('[');
  for (int i = 0; i < shape.rank(); ++i) {
    if (i) out.append(", ");
    out.append(std::to_string(shape[i]));
  }
  out.push_back(']');
}

}  // namespace mr
