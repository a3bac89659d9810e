#include "ops/boxes/lists.h"

#include <algorithm>

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

int64_t words_of(const Tensor& x) { return x.rank() == 3 ? 4 : 1; }

void check_list(const BoxList& list, const char* op, const char* what) {
  check(list.boxes.defined() && list.boxes.rank() == 3, op, ": ", what, " must be boxes [N,room,4] f32, got ",
        list.boxes.defined() ? list.boxes.shape() : Shape{});
  check_tensor(list.boxes, {list.boxes.size(0), list.boxes.size(1), 4}, DType::f32, op, what);
  check_tensor(list.count, {list.boxes.size(0)}, DType::i32, op, "count");
}

int64_t rows_there(const Tensor& count) {
  int64_t rows = 0;
  for (const int32_t n : count.values<int32_t>()) rows += n;
  return rows;
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& index) {
  check(x.defined() && (x.rank() == 2 || (x.rank() == 3 && x.size(2) == 4)) && (x.dtype() == DType::f32 || x.dtype() == DType::i32),
        "take: x must be [N,M] or [N,M,4], f32 or i32, got ", x.defined() ? x.shape() : Shape{}, " ", x.dtype());
  check(index.defined() && index.rank() == 2, "take: index must be [N,k] i32, got ", index.defined() ? index.shape() : Shape{});
  const int64_t N = x.size(0), M = x.size(1), k = index.size(1), words = words_of(x);
  check_tensor(index, {N, k}, DType::i32, "take", "index");
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::take(x, index);
  }
  const Tensor y = Tensor::zeros(words == 1 ? Shape{N, k} : Shape{N, k, 4}, x.dtype());
  const size_t bytes = static_cast<size_t>(words) * size_of(x.dtype());
  for (int64_t i = 0; i < N * k; ++i) {
    const int32_t from = index.data<int32_t>()[i];
    check(from < M, "take: index ", i, " must be below ", M, ", got ", from);
    if (from >= 0) std::copy_n(x.raw() + static_cast<size_t>(i / k * M + from) * bytes, bytes, y.raw() + static_cast<size_t>(i) * bytes);
  }
  return y;
}

std::vector<int32_t> places_of_image(const Chosen& chosen, int64_t n) {
  const int32_t* first = chosen.index.data<int32_t>() + n * chosen.index.size(1);
  return {first, first + chosen.count.data<int32_t>()[n]};
}

BoxList take(const Tensor& boxes, const Chosen& chosen) { return {take(boxes, chosen.index), chosen.count}; }

BoxList append(const BoxList& a, const BoxList& b) {
  check_list(a, "append", "a");
  check_list(b, "append", "b");
  const int64_t N = a.boxes.size(0), A = a.boxes.size(1), B = b.boxes.size(1);
  check(b.boxes.size(0) == N, "append: expected lists of ", N, " images, got ", b.boxes.size(0));
  if constexpr (gpu::exists) {
    if (a.boxes.on_gpu()) return gpu::append(a, b);
  }
  const BoxList all{Tensor::zeros({N, A + B, 4}), Tensor::empty({N}, DType::i32)};
  for (int64_t n = 0; n < N; ++n) {
    const int32_t first = a.count.data<int32_t>()[n], second = b.count.data<int32_t>()[n];
    float* to = all.boxes.data<float>() + n * (A + B) * 4;
    to = std::copy_n(a.boxes.data<float>() + n * A * 4, 4 * first, to);
    std::copy_n(b.boxes.data<float>() + n * B * 4, 4 * second, to);
    all.count.data<int32_t>()[n] = first + second;
  }
  return all;
}

BoxRows to_rows(const BoxList& list) {
  check_list(list, "to_rows", "list");
  const int64_t N = list.boxes.size(0), room = list.boxes.size(1);
  if constexpr (gpu::exists) {
    if (list.boxes.on_gpu()) return {gpu::to_rois(list.boxes), list.count, room};
  }
  const Tensor rois = Tensor::empty({rows_there(list.count), 5});
  float* to = rois.data<float>();
  for (int64_t n = 0; n < N; ++n) {
    const float* box = list.boxes.data<float>() + n * room * 4;
    for (int32_t r = 0; r < list.count.data<int32_t>()[n]; ++r, box += 4) {
      *to++ = static_cast<float>(n);
      to = std::copy_n(box, 4, to);
    }
  }
  return {rois, list.count, 0};
}

Tensor to_rows(const Tensor& x, const Tensor& count) {
  check(x.defined() && x.rank() == 2 && (x.dtype() == DType::f32 || x.dtype() == DType::i32),
        "to_rows: x must be [N,room], f32 or i32, got ", x.defined() ? x.shape() : Shape{}, " ", x.dtype());
  const int64_t N = x.size(0), room = x.size(1);
  check_tensor(count, {N}, DType::i32, "to_rows", "count");
  if (x.on_gpu()) return x.reshape({N * room});
  const Tensor rows = Tensor::empty({rows_there(count)}, x.dtype());
  const size_t bytes = size_of(x.dtype());
  std::byte* to = rows.raw();
  for (int64_t n = 0; n < N; ++n)
    to = std::copy_n(x.raw() + static_cast<size_t>(n * room) * bytes, static_cast<size_t>(count.data<int32_t>()[n]) * bytes, to);
  return rows;
}

RowRange rows_of_image(const Tensor& counts, int64_t room, int64_t n) {
  const auto count = counts.values<int32_t>();
  int64_t begin = n * room;
  if (room == 0)
    for (int64_t i = 0; i < n; ++i) begin += count[static_cast<size_t>(i)];
  return {begin, begin + count[static_cast<size_t>(n)]};
}

}  // namespace mr
