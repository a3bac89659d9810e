// Var: a tensor that knows how it was made, so that gradients flow back through it.
//
//   Var y = relu(linear(x, w, b));
//   backward(sum_of_losses);                     // w.grad() now holds ∂loss/∂w
//
// An operator writes its backward where its forward ends (record, below). Gradients are summed in one place, the engine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace mr {

struct Node;

class Var {
 public:
  Var() = default;  // undefined: "no bias", "no residual"
  explicit Var(Tensor value, bool requires_grad = false);
  // A parameter to come: it has a shape, and will have a gradient; asking for its value is an error until set_value has given one.
  static Var awaited(std::string name, const Shape& shape);

  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }
  const Tensor& value() const;
  const Tensor& grad() const;  // undefined until backward has reached this leaf
  bool requires_grad() const { return impl_ && impl_->requires_grad; }
  const Shape& shape() const;
  int64_t size(int axis) const { return shape()[axis]; }
  DType dtype() const { return value().dtype(); }

  Var detach() const { return Var(value()); }  // the same tensor, cut from the tape
  void set_requires_grad(bool on) const { impl_->requires_grad = on; }
  void set_value(Tensor value) const;                                  // a parameter moves (into an arena, from a file)
  void set_grad(Tensor grad) const { impl_->grad = std::move(grad); }  // where gradients are summed; undefined: none yet
  void touch() const { ++impl_->version; }                             // the value was changed in place: derived copies are stale

  // A tensor computed from this value and kept until the value changes: a bf16 copy, transformed or repacked weights.
  // `key` names the derivation. Only worth it for parameters.
  Tensor derived(const char* key, const std::function<Tensor(const Tensor&)>& make) const;

  struct Derived {
    std::string key;
    uint64_t version;
    Tensor tensor;
  };
  struct Awaited {
    std::string name;
    Shape shape;
  };
  struct Impl {
    Tensor value;
    std::unique_ptr<const Awaited> awaited;  // null: the value is there
    Tensor grad;
    bool requires_grad = false;
    uint64_t version = 0;
    std::vector<Derived> derived;
    std::shared_ptr<Node> node;  // what made it; null for a leaf
  };
  const std::shared_ptr<Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

// What a backward function sees: the gradient of the result, and a place for those of the inputs.
class Grads {
 public:
  const Tensor& out() const { return out_; }  // ∂loss/∂y
  bool needs(int input) const;
  // Adds gx to ∂loss/∂(input i); ignored where the input needs none. gx must have the input's shape.
  void give(int input, Tensor gx);

 private:
  friend class Engine;
  Tensor out_;
  Node* node_ = nullptr;
  std::vector<Tensor>* in_ = nullptr;
};
using BackwardFn = std::function<void(Grads&)>;

// One operation on the tape.
struct Node {
  const char* name = "";  // for messages
  uint64_t order = 0;     // of creation: a node's inputs were made before it
  int stage = -1;         // in which it was made, where a clock runs (tensor/stages.h)
  std::vector<Var> inputs;
  BackwardFn backward;  // dropped once used, and with it what it captured
};

// True when an operator must put itself on the tape: gradients are on and some input requires one.
bool grad_enabled();
bool needs_grad(std::initializer_list<Var> inputs);
bool needs_grad(const std::vector<Var>& inputs);

// No tape inside this scope:  NoGrad guard;
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool saved_;
};

// The last line of every operator:
//   return record("relu", {x}, y, [y](Grads& g) { g.give(0, relu_backward(y, g.out())); });
// Captures name what stays in memory. Without gradients y is a plain value and `backward` is dropped unused.
Var record(const char* name, std::vector<Var> inputs, Tensor y, BackwardFn backward);

// Runs the tape back from `loss` (one element) with ∂loss/∂loss = 1; gradients are added to those of the leaves.
// `seed` stands in for the 1 (same shape as loss) when given. The tape is consumed.
void backward(const Var& loss, const Tensor& seed = {});

}  // namespace mr
