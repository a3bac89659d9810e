#include "ops/roi/roi_align.h"

#include <memory>

#include "ops/roi/roi_align_kernels.h"

namespace mr {

void RoIAlignOptions::visit(OptionVisitor& v) const {
  v.field("size", size);
  v.field("sampling_ratio", sampling_ratio);
  v.field("aligned", aligned);
  v.field("reduce", reduce == Reduce::mean ? "mean" : "max");
}

Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
              const RoIAlignOptions& o) {
  check(o.sampling_ratio >= 0 && o.sampling_ratio <= 64, "roi_align: sampling_ratio must be 0 (adaptive) … 64, got ", o.sampling_ratio);
  const auto in = std::make_shared<const RoIInputs>(check_roi_inputs("roi_align", maps, strides, rois, levels, o.size));
  const Tensor y = Tensor::empty({in->count(), o.size, o.size, in->channels}, in->dtype);
  std::vector<Tensor> x;
  for (const Var& m : maps) x.push_back(m.value());
  Tensor arg;
  if (o.reduce == Reduce::max && needs_grad(maps)) arg = Tensor::empty(y.shape(), DType::i32);
  if (o.reduce == Reduce::mean) {
    mean_forward(*in, x, o, y);
  } else {
    max_forward(*in, x, o, y, arg);
  }
  std::vector<Shape> shapes;
  for (const Var& m : maps) shapes.push_back(m.shape());
  return record("roi_align", o, maps, y, [in, o, arg, shapes](Grads& g) {
    const bool mean = o.reduce == Reduce::mean;
    std::vector<Tensor> gx(shapes.size());
    for (size_t l = 0; l < shapes.size(); ++l)
      if (g.needs(static_cast<int>(l))) gx[l] = mean ? Tensor::empty(shapes[l], in->dtype) : Tensor::zeros(shapes[l], sum_type(in->dtype));
    if (mean)
      mean_backward(*in, o, g.out(), gx);
    else
      max_backward(*in, o, g.out(), arg, gx);
    for (size_t l = 0; l < shapes.size(); ++l)
      if (gx[l].defined()) g.give(static_cast<int>(l), gx[l].to(in->dtype));
  });
}

}  // namespace mr
