// The parameters of a model: each a named Var, all in one flat arena (weights and gradients), so
// that an optimiser step is one loop and a checkpoint one block. Names are torchvision's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/var.h"

namespace mr {

// How a parameter lies in torchvision's files; here everything is channels last
// (see Decisions in docs/design.md).
enum class FileLayout : uint8_t {
  same,       // vectors, matrices
  conv,       // here [Cout,kH,kW,Cin], in files [Cout,Cin,kH,kW]
  deconv,     // here [Cin,kH,kW,Cout], in files [Cin,Cout,kH,kW]
  fc_of_map,  // here [N, H·W·C], in files [N, C·H·W]: a fully connected layer on a flattened H×W×C map
};

// What a parameter is, for the optimiser's groups: decay is often left off norms and biases.
enum class ParameterKind : uint8_t { weight, bias, norm };

// Initial values, drawn from Rng(seed, "init/" + name) alone:
// switching a head leaves every other stream as it was.
struct Init {
  enum class Kind : uint8_t { constant, normal, kaiming_normal_fan_out, kaiming_uniform, xavier_uniform } kind = Kind::constant;
  double value = 0;  // the constant, or the standard deviation of normal
  static Init zeros() { return {Kind::constant, 0}; }
  static Init ones() { return {Kind::constant, 1}; }
  static Init normal(double deviation) { return {Kind::normal, deviation}; }
  static Init kaiming() { return {Kind::kaiming_normal_fan_out, 0}; }      // N(0, 2 / fan_out): He et al. 2015
  static Init kaiming_uniform_a1() { return {Kind::kaiming_uniform, 1}; }  // U(±√(3 / fan_in)): "a = 1", FPN's
  static Init xavier() { return {Kind::xavier_uniform, 0}; }
};

struct Parameter {
  std::string name;
  Var var;  // value and gradient are views into the arenas once packed
  ParameterKind kind = ParameterKind::weight;
  FileLayout layout = FileLayout::same;
  Init init;
  bool trainable = true;     // frozen ones lie in no arena and get no gradient
  int map_h = 0, map_w = 0;  // of fc_of_map
};

class Parameters {
 public:
  // Adds a parameter and returns its Var, which stays the same object. It has no values until
  // pack(): whatever asks for them, a layer's forward pass or a file of weights, is an error that
  // names it.
  Var add(const std::string& name, const Shape& shape, Init init, ParameterKind kind = ParameterKind::weight,
          FileLayout layout = FileLayout::same);
  Var add_fc_of_map(const std::string& name, int64_t out, int h, int w, int c, Init init);
  // State that is saved and loaded by name and never trained: statistics of frozen norms.
  Var add_buffer(const std::string& name, const Shape& shape, double value);
  // Marks every parameter whose name starts with the prefix as not trained. Before pack().
  void freeze(const std::string& prefix);

  // Draws initial values and lays the trainable parameters out in the arenas,
  // in the order they were added.
  void pack(uint64_t seed);

  // Moves values and gradients to a device. After pack() and before an optimiser is made.
  void move_to(Device device);
  Device device() const { return weights_.device(); }

  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  Parameter* find(const std::string& name);
  const Tensor& weights() const { return weights_; }  // [P] f32, all trainable parameters; empty before pack()
  const Tensor& gradients() const { return gradients_; }
  int64_t offset(const Parameter& p) const;  // of its first value in the arenas
  void zero_gradients() const;               // errors: before pack()
  void changed() const;                      // after weights() were written: derived copies are stale

 private:
  void point_into_arenas();

  std::vector<Parameter> all_;
  std::vector<int64_t> offsets_;
  Tensor weights_, gradients_;
};

}  // namespace mr
