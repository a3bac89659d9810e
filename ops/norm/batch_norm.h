// Batch normalisation (Ioffe & Szegedy 2015), live and frozen. C is the last axis;
// the M other positions are the batch.
//
//   y = (x − μ)/√(σ² + ε) · w + b, per channel          x, y: [..., C] floating;  w, b, mean, var: [C]
//
// batch_norm, training      μ = mean of x, σ² = (1/M) Σ (x − μ)²; and, in place, for what is used later
//                           running_mean ← (1 − momentum)·running_mean + momentum·μ
//                           running_var  ← (1 − momentum)·running_var + momentum·σ²·M/(M − 1)         (unbiased, as in torch)
// batch_norm, not training  μ = running_mean, σ² = running_var
// frozen_batch_norm         the same with constants: y = x·scale + shift,  scale = w/√(var + ε),  shift = b − mean·scale
// fold_batch_norm           gives that scale and shift ([C], the type of weight), to be applied by a convolution while its tile
//                           is still in the cache. Detectors fine-tune with the pre-trained statistics frozen: a batch of one
//                           or two images has none worth learning (He et al. 2017, section 3.1 trains so).
//
// In training the batch is that of all members of the process_group() (tensor/process_group.h): μ, σ² and M are taken over the pixels of all,
// and so are the sums in gx; gw and gb are this member's share, for the arena of gradients is added up later.
//
// Gradient (x̂ = (x − μ)/√(σ² + ε)):   gb = Σ gy,   gw = Σ gy·x̂,
//   training       gx = w/√(σ² + ε) · (gy − gb/M − x̂·gw/M)         not training, frozen   gx = gy · w/√(σ² + ε)
// w and b may be f32 beside a bf16 x. Statistics are gathered in f32 over blocks and in f64 over
// the blocks. Backward keeps x.
//
// Errors: x without a channel axis or not floating; a parameter or statistic that is not [C];
// training with M = 1 (no variance); momentum outside [0, 1]; ε < 0. An empty batch gives an empty y
// and leaves the running statistics alone.
#pragma once

#include "autograd/var.h"

namespace mr {

Var batch_norm(const Var& x, const Var& weight, const Var& bias, const Tensor& running_mean, const Tensor& running_var, double momentum,
               double eps, bool training);

Var frozen_batch_norm(const Var& x, const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps);
void fold_batch_norm(const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps, Tensor& scale,
                     Tensor& shift);

}  // namespace mr
