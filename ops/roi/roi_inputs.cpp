#include "ops/roi/roi_inputs.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "ops/roi/roi_gpu.h"

namespace mr {
namespace {

void check_maps(const char* op, const std::vector<Var>& maps, const std::vector<int>& strides) {
  check(!maps.empty(), op, ": expected at least one map, got none");
  check(strides.size() == maps.size(), op, ": expected a stride for each of ", maps.size(), " maps, got ", strides.size());
  for (const Var& m : maps) check(m.defined(), op, ": a map is undefined");
  const Var& first = maps[0];
  for (size_t l = 0; l < maps.size(); ++l) {
    const Var& m = maps[l];
    check(m.value().rank() == 4, op, ": maps must be [N,H,W,C], got ", m.shape(), " at level ", l);
    check(is_float(m.dtype()) && m.dtype() == first.dtype(), op, ": maps must share one floating type, got ", first.dtype(), " and ",
          m.dtype());
    check(m.size(0) == first.size(0) && m.size(3) == first.size(3), op, ": maps must agree in N and C, got ", first.shape(), " and ",
          m.shape());
    check(m.size(1) > 0 && m.size(2) > 0 && m.size(1) * m.size(2) <= INT32_MAX, op, ": a map needs cells (at most 2^31), got ", m.shape());
    check(strides[l] >= 1, op, ": a stride is at least 1 pixel, got ", strides[l], " at level ", l);
  }
}

void check_devices(const char* op, const RoICall& call) {
  const Device device = call.maps[0].value().device();
  const auto there = [&](const char* what, const Tensor& t) {
    check(t.device() == device, op, ": expected ", what, " on ", device, ", where the first map is, got ", t.device());
  };
  for (const Var& m : call.maps) there("maps", m.value());
  there("rois", call.rois.value());
  if (call.levels.defined()) there("levels", call.levels);
}

void check_rois(const char* op, DType maps, const Tensor& rois, const Tensor& levels) {
  check(rois.defined() && rois.rank() == 2 && rois.size(1) == 5, op, ": rois must be [R,5] (image, x1, y1, x2, y2), got ",
        rois.defined() ? rois.shape() : Shape{});
  check(rois.dtype() == DType::f32 || (rois.dtype() == DType::f64 && maps == DType::f64), op, ": rois must be f32 (f64 for f64 maps), got ",
        rois.dtype());
  if (!levels.defined()) return;
  check(levels.rank() == 1 && levels.size(0) == rois.size(0), op, ": levels must be [", rois.size(0), "], got ", levels.shape());
  check(levels.dtype() == DType::i32, op, ": levels must be i32, got ", levels.dtype());
}

template <class T>
void place(const char* op, RoIInputs& in, const T* rois, const int32_t* levels, int64_t count, int64_t images, int64_t depth) {
  in.rois.resize(count);
  for (int64_t r = 0; r < count; ++r) {
    const T* row = rois + r * 5;
    for (int k = 1; k < 5; ++k)
      check(valid_corner(row[k]), op, ": corners must be finite and within 2^24 pixels, got ", static_cast<double>(row[k]), " in RoI ", r);
    check(valid_image(row[0], images), op, ": image index must be one of 0 … ", images - 1, ", got ", static_cast<double>(row[0]),
          " in RoI ", r);
    const int64_t level = levels ? levels[r] : 0;
    check(valid_level(level, depth), op, ": level must be one of 0 … ", depth - 1, ", got ", level, " for RoI ", r);
    in.rois[r] = {row[1], row[2], row[3], row[4], static_cast<int>(level * images) + static_cast<int>(row[0])};
  }
}

// Bands of sixteen rows, and in each from left to right, so that a RoI finds in the cache what the
// one before it has read.
std::vector<int32_t> order_along_maps(const RoIInputs& in) {
  constexpr double band = 64;
  std::vector<std::tuple<int, double, double, int32_t>> keys;
  for (size_t r = 0; r < in.rois.size(); ++r) {
    const PlacedRoI& roi = in.rois[r];
    const double scale = in.maps[roi.map].scale / 2;
    keys.emplace_back(roi.map, std::floor((roi.y1 + roi.y2) * scale / band), (roi.x1 + roi.x2) * scale, static_cast<int32_t>(r));
  }
  std::ranges::sort(keys);
  std::vector<int32_t> order;
  for (const auto& key : keys) order.push_back(std::get<3>(key));
  return order;
}

}  // namespace

std::vector<Var> RoICall::inputs() const {
  std::vector<Var> all = maps;
  all.push_back(rois);
  return all;
}

std::vector<Tensor> RoICall::values() const {
  std::vector<Tensor> all;
  for (const Var& m : maps) all.push_back(m.value());
  return all;
}

void check_roi_shapes(const char* op, const RoICall& call, int size) {
  check_maps(op, call.maps, call.strides);
  check(call.rois.defined(), op, ": rois are undefined");
  check_rois(op, call.maps[0].dtype(), call.rois.value(), call.levels);
  check_devices(op, call);
  check(size >= 1 && size <= 1024, op, ": size must be 1 … 1024 bins, got ", size);
}

RoIInputs check_roi_inputs(const char* op, const RoICall& call, int size) {
  check_roi_shapes(op, call, size);
  const Tensor& rois = call.rois.value();
  RoIInputs in;
  in.dtype = call.maps[0].dtype();
  in.channels = call.maps[0].size(3);
  const int64_t images = call.maps[0].size(0), depth = static_cast<int64_t>(call.maps.size());
  for (int level = 0; level < static_cast<int>(depth); ++level) {
    const Shape& shape = call.maps[level].shape();
    for (int image = 0; image < static_cast<int>(images); ++image)
      in.maps.push_back({level, image, static_cast<int>(shape[1]), static_cast<int>(shape[2]), 1.0 / call.strides[level]});
  }
  const int32_t* at = call.levels.defined() ? call.levels.data<int32_t>() : nullptr;
  if (rois.dtype() == DType::f64)
    place(op, in, rois.data<double>(), at, rois.size(0), images, depth);
  else
    place(op, in, rois.data<float>(), at, rois.size(0), images, depth);
  in.order = order_along_maps(in);
  return in;
}

Tensor count_invalid_rois(const Tensor& rois, const Tensor& levels, int64_t images, int64_t depth) {
  check_rois("count_invalid_rois", DType::f64, rois, levels);
  check(!levels.defined() || levels.device() == rois.device(), "count_invalid_rois: expected levels on ", rois.device(), ", got ",
        levels.device());
  if constexpr (gpu::exists) {
    if (rois.on_gpu()) return gpu::count_invalid_rois(rois, levels, images, depth);
  }
  const Tensor count = Tensor::zeros({3}, DType::i32);
  dispatch_float(rois.dtype(), "rois", [&]<class T>(T) {
    for (int64_t r = 0; r < rois.size(0); ++r) {
      double row[5];
      for (int k = 0; k < 5; ++k) row[k] = static_cast<double>(rois.data<T>()[r * 5 + k]);
      if (row[0] == -1) continue;
      const InvalidRoI wrong = invalid_roi(row, levels.defined() ? levels.data<int32_t>()[r] : 0, images, depth);
      count.data<int32_t>()[0] += wrong.corner ? 1 : 0;
      count.data<int32_t>()[1] += wrong.image ? 1 : 0;
      count.data<int32_t>()[2] += wrong.level ? 1 : 0;
    }
  });
  return count;
}

RoIGradients wanted_gradients(const Grads& g, const std::vector<Shape>& shapes, const Tensor& rois,
                              const std::function<Tensor(const Shape&)>& make) {
  RoIGradients found;
  for (size_t l = 0; l < shapes.size(); ++l) found.maps.push_back(g.needs(static_cast<int>(l)) ? make(shapes[l]) : Tensor());
  if (g.needs(static_cast<int>(shapes.size()))) found.rois = Tensor::zeros_like(rois);
  return found;
}

void store_box_gradient(const Tensor& rois, int64_t r, const double (&box)[4]) {
  dispatch_float(rois.dtype(), "rois", [&]<class T>(T) {
    for (int k = 0; k < 4; ++k) rois.data<T>()[r * 5 + 1 + k] = T(box[k]);
  });
}

void give_gradients(Grads& g, const RoIGradients& found, DType maps) {
  for (size_t l = 0; l < found.maps.size(); ++l)
    if (found.maps[l].defined()) g.give(static_cast<int>(l), found.maps[l].to(maps));
  if (found.rois.defined()) g.give(static_cast<int>(found.maps.size()), found.rois);
}

}  // namespace mr
