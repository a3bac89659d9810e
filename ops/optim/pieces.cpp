#include "ops/optim/pieces.h"

#include <algorithm>
#include <cmath>

#include "tensor/parallel.h"

namespace mr {

void add_pieces(std::vector<ArenaPiece>& to, const ArenaPiece& run) {
  for (int64_t at = run.begin; at < run.end; at += arena_piece_size)
    to.push_back({at, std::min(at + arena_piece_size, run.end), run.lr_factor, run.decay});
}

ArenaPieces::ArenaPieces(std::vector<ArenaPiece> pieces, Device device) : all(std::move(pieces)) {
  for (const ArenaPiece& p : all)
    check(0 <= p.begin && p.begin % 4 == 0 && p.begin < p.end && p.end - p.begin <= arena_piece_size,
          "optimiser: a piece must begin at a multiple of 4 and hold 1 … ", arena_piece_size, " values, got [", p.begin, ", ", p.end, ")");
  if (device.type == DeviceType::cpu) return;
  const auto count = static_cast<int64_t>(all.size());
  const Tensor run = Tensor::empty({count, 2}, DType::i64, Device{}), factor = Tensor::empty({count, 2}, DType::f32, Device{});
  for (int64_t k = 0; k < count; ++k) {
    const ArenaPiece& p = all[static_cast<size_t>(k)];
    run.data<int64_t>()[2 * k] = p.begin;
    run.data<int64_t>()[2 * k + 1] = p.end;
    factor.data<float>()[2 * k] = p.lr_factor;
    factor.data<float>()[2 * k + 1] = p.decay;
  }
  runs = run.to(device);
  factors = factor.to(device);
}

void check_arenas(const char* op, const Tensor& w, std::initializer_list<Tensor> others, const ArenaPieces& pieces, const Tensor& lr) {
  const auto fits = [&w](const Tensor& t) { return t.defined() && t.dtype() == DType::f32 && t.numel() == w.numel(); };
  bool fit = fits(w);
  for (const Tensor& t : others) fit = fit && fits(t);
  check(fit, op, ": the arrays must be f32 of one size");
  check(lr.defined() && lr.shape() == Shape{1} && lr.dtype() == DType::f32, op, ": the rate must be [1] f32, got ",
        lr.defined() ? lr.shape() : Shape{}, " ", lr.dtype());
  for (const ArenaPiece& p : pieces.all) check(p.end <= w.numel(), op, ": a piece must end within ", w.numel(), " values, got ", p.end);
}

double gradient_norm(const Tensor& gradients, const ArenaPieces& pieces) {
  const float* const g = gradients.data<float>();
  std::vector<double> sums(pieces.all.size());
  parallel_for(static_cast<int64_t>(sums.size()), 1, [&](int64_t k) {
    const ArenaPiece& p = pieces.all[static_cast<size_t>(k)];
    double lanes[16] = {}, sum = 0;  // a fixed order of summation that still vectorises
    int64_t i = p.begin;
    for (; i + 16 <= p.end; i += 16)
      for (int64_t l = 0; l < 16; ++l) lanes[l] += static_cast<double>(g[i + l]) * g[i + l];
    for (; i < p.end; ++i) sum += static_cast<double>(g[i]) * g[i];
    for (const double lane : lanes) sum += lane;
    sums[static_cast<size_t>(k)] = sum;
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  return std::sqrt(sum);
}

}  // namespace mr
