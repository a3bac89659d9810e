// How a convolution is computed: a ladder of rungs with one signature.
//
//   reference   the loops of the formula: any type, groups, dilation
//   im2col      patches gathered block by block into cache, then our matrix product; any stride, dilation and groups
//   grouped     as many channels out of a group as into it, 4, 8, 16 …, f32: lanes of a vector are channels of several groups
//   winograd    3×3, stride 1, padding 1, f32: a quarter of the products
//   matmul      1×1, stride 1: the map is a matrix
//   onednn      oneDNN's direct convolution: bf16, where the processor has AVX-512
//
// and on a GPU
//
//   gpu_implicit    patches gathered tile by tile into shared memory: bf16 on the matrix units, f32 and f64 by fused multiply-adds; channels in
//                   multiples of 16 bytes
//   gpu_matmul      1×1, stride 1: the vendor's matrix product
//   gpu_im2col      patches in memory, then the vendor's matrix product: any type and channels
//   gpu_matrix      tiles in shared memory, the matrix units: bf16, forward, channels in multiples of 16 bytes. This and the next are to be read
//   gpu_tiled       tiles in shared memory, fused multiply-adds: any type and channels, forward
//   gpu_reference   a thread an output: any type, groups, dilation
//
// The first rung of the table that supports a case runs it,
// unless MR_CONV=name forces another (where that supports it).
// Tests and benches go through all of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ops/conv/conv2d.h"
#include "tensor/hd.h"

namespace mr {

struct Conv2dCase {
  int64_t N = 0, H = 0, W = 0, Cin = 0;  // x [N,H,W,Cin]
  int64_t Cout = 0, kH = 0, kW = 0;      // w [Cout,kH,kW,Cin/groups]
  int64_t OH = 0, OW = 0;                // y [N,OH,OW,Cout]
  int stride = 1, padding = 0, dilation = 1, groups = 1;
  DType dtype = DType::f32;  // of x and y
  Device device = {};        // where all of it is

  MR_HD int64_t out_pixels() const { return N * OH * OW; }
  Shape x_shape() const { return {N, H, W, Cin}; }
  Shape w_shape() const { return {Cout, kH, kW, Cin / groups}; }
  Shape y_shape() const { return {N, OH, OW, Cout}; }
  DType sum_dtype() const { return dtype == DType::f64 ? DType::f64 : DType::f32; }
  double flops() const {
    const int64_t in = Cin / groups;
    return 2.0 * static_cast<double>(out_pixels() * Cout * kH * kW * in);
  }
};
// From the shapes of x and w, checked.
Conv2dCase conv2d_case(const Shape& x, const Shape& w, const Conv2dOptions& options, DType dtype, Device device = {});
void append(std::string& out, const Conv2dCase& c);  // 3×3/1 256→256 on 1×200×304 f32

// relu(sum · scale + shift + residual); the bias is folded into shift.
// Types: sums'; residual as the output.
struct Conv2dFinish {
  Tensor scale = {}, shift = {}, residual = {};
  bool relu = false;
};

enum class Conv2dPass : uint8_t { forward, data, weights };
const char* name(Conv2dPass pass);

struct Conv2dRung {
  const char* name;
  bool (*supports)(const Conv2dCase&, Conv2dPass);                                           // what it does not, may be null
  Tensor (*forward)(const Conv2dCase&, const Tensor& x, const Var& w, const Conv2dFinish&);  // → y
  Tensor (*data)(const Conv2dCase&, const Tensor& gy, const Var& w, const Conv2dFinish&);    // → gx (a deconvolution has a finish)
  Tensor (*weights)(const Conv2dCase&, const Tensor& x, const Tensor& gy);                   // → gw, f32 (f64 for f64)
};

std::span<const Conv2dRung> conv2d_rungs(Device device = {});
const Conv2dRung& conv2d_choice(const Conv2dCase& c, Conv2dPass pass);

// What conv2d and deconv2d call: the chosen rung, by way of f32 where bf16 has no rung of its own.
Tensor conv2d_forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f);
Tensor conv2d_data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f);
Tensor conv2d_weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy);

// The value of w in type t, kept with w where that is not its own.
Tensor weights_as(const Var& w, DType t);

}  // namespace mr
