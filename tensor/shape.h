// The sizes of a tensor, outermost axis first; at most six axes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace mr {

class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes);  // errors: more than six axes, a negative size, a product beyond 2^62

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return sizes_[axis < 0 ? axis + rank_ : axis]; }  // -1 is the last axis
  int64_t numel() const { return numel_; }
  std::span<const int64_t> sizes() const { return {sizes_, static_cast<size_t>(rank_)}; }
  bool operator==(const Shape& o) const;

 private:
  int64_t sizes_[max_rank] = {};
  int rank_ = 0;
  int64_t numel_ = 1;
};

void append(std::string& out, const Shape& shape);  // [2, 3, 4]

}  // namespace mr
