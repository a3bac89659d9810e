#include "models/parameters.h"

#include <algorithm>
#include <cmath>

#include "tensor/rng.h"

namespace mr {
namespace {

constexpr int64_t aligned(int64_t n) { return (n + 15) / 16 * 16; }  // each parameter starts on a 64-byte line

// fan_in and fan_out of a weight in our layouts: the last axis is Cin for conv and linear, Cout for deconv; the first the other one.
struct Fan {
  double in, out;
};
Fan fan(const Parameter& p) {
  const Shape& s = p.var.shape();
  if (s.rank() < 2) return {1, 1};
  double window = 1;
  for (int i = 1; i + 1 < s.rank(); ++i) window *= static_cast<double>(s[i]);
  const auto first = static_cast<double>(s[0]), last = static_cast<double>(s[-1]);
  // torch counts a deconvolution's fans on its file layout [Cin,Cout,kH,kW] as if it were a convolution's: fan_out = Cin·window.
  return {last * window, first * window};
}

void draw(const Parameter& p, uint64_t seed) {
  const auto w = p.var.value().values<float>();
  Rng rng(seed, "init/" + p.name);
  const Fan f = fan(p);
  double deviation = 0, bound = 0;  // of a normal, of a uniform distribution
  switch (p.init.kind) {
    case Init::Kind::constant:
      std::ranges::fill(w, static_cast<float>(p.init.value));
      return;
    case Init::Kind::normal:
      deviation = p.init.value;
      break;
    case Init::Kind::kaiming_normal_fan_out:
      deviation = std::sqrt(2 / f.out);
      break;
    case Init::Kind::kaiming_uniform:
      bound = std::sqrt(6 / ((1 + p.init.value * p.init.value) * f.in));
      break;
    case Init::Kind::xavier_uniform:
      bound = std::sqrt(6 / (f.in + f.out));
      break;
  }
  for (float& v : w) v = static_cast<float>(bound > 0 ? rng.uniform(-bound, bound) : deviation * rng.normal());
}

}  // namespace

Var Parameters::add(const std::string& name, const Shape& shape, Init init, ParameterKind kind, FileLayout layout) {
  check(!weights_.defined(), "parameters: ", name, " added after pack()");
  check(!find(name), "parameters: ", name, " added twice");
  Parameter p;
  p.name = name;
  p.var = Var::awaited(name, shape);
  p.kind = kind;
  p.layout = layout;
  p.init = init;
  all_.push_back(p);
  return p.var;
}

Var Parameters::add_fc_of_map(const std::string& name, int64_t out, int h, int w, int c, Init init) {
  const Var v = add(name, {out, int64_t{h} * w * c}, init, ParameterKind::weight, FileLayout::fc_of_map);
  all_.back().map_h = h;
  all_.back().map_w = w;
  return v;
}

Var Parameters::add_buffer(const std::string& name, const Shape& shape, double value) {
  const Var v = add(name, shape, {Init::Kind::constant, value}, ParameterKind::norm);
  all_.back().trainable = false;
  v.set_requires_grad(false);
  return v;
}

void Parameters::freeze(const std::string& prefix) {
  check(!weights_.defined(), "parameters: freeze after pack()");
  for (Parameter& p : all_) {
    if (p.name.rfind(prefix, 0) != 0) continue;
    p.trainable = false;
    p.var.set_requires_grad(false);
  }
}

void Parameters::pack(uint64_t seed) {
  check(!weights_.defined(), "parameters: packed twice");
  int64_t total = 0;
  offsets_.clear();
  for (const Parameter& p : all_) {
    offsets_.push_back(p.trainable ? total : -1);
    if (p.trainable) total += aligned(p.var.shape().numel());
  }
  weights_ = Tensor::zeros({total});
  gradients_ = Tensor::zeros({total});
  point_into_arenas();
  for (const Parameter& p : all_) {
    if (!p.trainable) p.var.set_value(Tensor::zeros(p.var.shape()));
    draw(p, seed);
  }
}

void Parameters::point_into_arenas() {
  for (size_t i = 0; i < all_.size(); ++i) {
    const Parameter& p = all_[i];
    if (!p.trainable) continue;
    const int64_t begin = offsets_[i], end = begin + p.var.shape().numel();
    p.var.set_value(weights_.slice(begin, end).reshape(p.var.shape()));
    p.var.set_grad(gradients_.slice(begin, end).reshape(p.var.shape()));
  }
}

void Parameters::move_to(Device device) {
  check(weights_.defined(), "parameters: moved before pack()");
  weights_ = weights_.to(device);
  gradients_ = gradients_.to(device);
  point_into_arenas();
  for (const Parameter& p : all_)
    if (!p.trainable) p.var.set_value(p.var.value().to(device));
}

void Parameters::zero_gradients() const {
  check(gradients_.defined(), "parameters: gradients zeroed before pack()");
  gradients_.fill_(0);
}

Parameter* Parameters::find(const std::string& name) {
  for (Parameter& p : all_)
    if (p.name == name) return &p;
  return nullptr;
}

int64_t Parameters::offset(const Parameter& p) const {
  const auto i = static_cast<size_t>(&p - all_.data());
  check(i < offsets_.size() && offsets_[i] >= 0, "parameters: ", p.name, " lies in no arena (frozen, or not packed)");
  return offsets_[i];
}

void Parameters::changed() const {
  for (const Parameter& p : all_) p.var.touch();
}

}  // namespace mr
