#include "ops/boxes/lists.h"

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

namespace mr {
namespace {

// The sizes of a list: N images, room for so many boxes.
struct ListShape {
  int64_t N, room;
};
ListShape checked(const BoxList& list, const char* op, const char* what) {
  check(list.boxes.defined() && list.boxes.rank() == 3, op, ": ", what, " must be boxes [N,room,4] f32, got ",
        list.boxes.defined() ? list.boxes.shape() : Shape{});
  return {list.boxes.size(0), list.boxes.size(1)};
}

// The places of lists with this room that are filled, [R] i32, of all images. Undefined on a GPU, where all places are rows.
Tensor filled_places(const Tensor& count, int64_t room) {
  if (count.on_gpu()) return {};
  std::vector<int32_t> places;
  for (int64_t n = 0; n < count.numel(); ++n)
    for (int32_t r = 0; r < count.data<int32_t>()[n]; ++r) places.push_back(static_cast<int32_t>(n * room) + r);
  return Tensor::of<int32_t>({static_cast<int64_t>(places.size())}, places).to(Device{});
}

template <class T> Tensor take_rows(const Tensor& x, const Tensor& index, const Shape& shape) {
  const Operands of("take", x.device());
  const int64_t k = index.size(1);
  const Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  each_row("take", x.device(), index.numel(),
           TakeRow<T>{of.as<T>(x, "x", x.shape()), of.as<int32_t>(index, "index", index.shape()), of.as<T>(y, "y", shape), k, x.size(1)});
  return y;
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& index) {
  check(x.defined() && (x.rank() == 2 || (x.rank() == 3 && x.size(2) == 4)) && (x.dtype() == DType::f32 || x.dtype() == DType::i32),
        "take: x must be [N,M] or [N,M,4], f32 or i32, got ", x.defined() ? x.shape() : Shape{}, " ", x.dtype());
  check(index.defined() && index.rank() == 2, "take: index must be [N,k] i32, got ", index.defined() ? index.shape() : Shape{});
  const int64_t N = x.size(0), M = x.size(1), k = index.size(1);
  check_tensor(index, {N, k}, DType::i32, "take", "index");
  if (!index.on_gpu())
    for (int64_t i = 0; i < N * k; ++i)
      check(index.data<int32_t>()[i] < M, "take: index ", i, " must be below ", M, ", got ", index.data<int32_t>()[i]);
  if (x.rank() == 3) return take_rows<Box>(x, index, {N, k, 4});
  return x.dtype() == DType::f32 ? take_rows<float>(x, index, {N, k}) : take_rows<int32_t>(x, index, {N, k});
}

std::vector<int32_t> places_of_image(const Chosen& chosen, int64_t n) {
  const int32_t* first = chosen.index.data<int32_t>() + n * chosen.index.size(1);
  return {first, first + chosen.count.data<int32_t>()[n]};
}

BoxList take(const Tensor& boxes, const Chosen& chosen) { return {take(boxes, chosen.index), chosen.count}; }

BoxList append(const BoxList& a, const BoxList& b) {
  const auto [N, A] = checked(a, "append", "a");
  const auto [images, B] = checked(b, "append", "b");
  check(images == N, "append: expected lists of ", N, " images, got ", images);
  const Device device = a.boxes.device();
  const Operands of("append", device);
  const BoxList all{Tensor::empty({N, A + B, 4}, DType::f32, device), Tensor::zeros({N}, DType::i32, device)};
  each_row("append", device, N * (A + B),
           AppendRow{{of.as<Box>(a.boxes, "a", {N, A, 4}), of.as<int32_t>(a.count, "count", {N}), A},
                     {of.as<Box>(b.boxes, "b", {N, B, 4}), of.as<int32_t>(b.count, "count", {N}), B},
                     of.as<Box>(all.boxes, "all", {N, A + B, 4}),
                     of.as<int32_t>(all.count, "count", {N})});
  return all;
}

BoxRows to_rows(const BoxList& list) {
  const auto [N, room] = checked(list, "to_rows", "list");
  const Device device = list.boxes.device();
  const Operands of("to_rows", device);
  of.as<int32_t>(list.count, "count", {N});
  const Tensor place = filled_places(list.count, room);
  const int64_t R = place.defined() ? place.numel() : N * room;
  const Tensor rois = Tensor::empty({R, 5}, DType::f32, device);
  each_row("to_rows", device, R,
           RoIRow{of.as<Box>(list.boxes, "list", {N, room, 4}), of.optional<int32_t>(place, "place", {R}),
                  of.as<float>(rois, "rois", {R, 5}), room});
  return {rois, list.count, place.defined() ? 0 : room};
}

Tensor to_rows(const Tensor& x, const Tensor& count) {
  check(x.defined() && x.rank() == 2 && (x.dtype() == DType::f32 || x.dtype() == DType::i32),
        "to_rows: x must be [N,room], f32 or i32, got ", x.defined() ? x.shape() : Shape{}, " ", x.dtype());
  const int64_t N = x.size(0), room = x.size(1);
  check_tensor(count, {N}, DType::i32, "to_rows", "count");
  if (x.on_gpu()) return x.reshape({N * room});
  const Tensor place = filled_places(count, room);
  return take(x.reshape({1, N * room}), place.reshape({1, place.numel()})).reshape({place.numel()});
}

RowRange rows_of_image(const Tensor& counts, int64_t room, int64_t n) {
  const auto count = counts.values<int32_t>();
  int64_t begin = n * room;
  if (room == 0)
    for (int64_t i = 0; i < n; ++i) begin += count[static_cast<size_t>(i)];
  return {begin, begin + count[static_cast<size_t>(n)]};
}

}  // namespace mr
