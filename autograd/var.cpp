#include "autograd/var.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "tensor/context.h"
#include "tensor/stages.h"

namespace mr {
namespace {

thread_local bool grad_on = true;
thread_local uint64_t next_order = 0;

}  // namespace

Var::Var(Tensor value, bool requires_grad) : impl_(std::make_shared<Impl>()) {
  check(value.defined(), "var: the tensor is undefined");
  check(!requires_grad || is_float(value.dtype()), "var: only floating tensors have gradients, got ", value.dtype());
  impl_->value = std::move(value);
  impl_->requires_grad = requires_grad;
}

Var Var::awaited(std::string name, const Shape& shape) {
  Var v;
  v.impl_ = std::make_shared<Impl>();
  v.impl_->requires_grad = true;
  v.impl_->awaited = std::make_unique<Awaited>(Awaited{std::move(name), shape});
  return v;
}

const Tensor& Var::value() const {
  check(defined(), "var: used while undefined");
  if (impl_->awaited) fail("parameter ", impl_->awaited->name, ": has no values yet (Parameters::pack gives it its first)");
  return impl_->value;
}

const Shape& Var::shape() const { return defined() && impl_->awaited ? impl_->awaited->shape : value().shape(); }

const Tensor& Var::grad() const {
  check(defined(), "var: used while undefined");
  return impl_->grad;
}

void Var::set_value(Tensor value) const {
  check(value.shape() == shape(), "var: the new value has shape ", value.shape(), ", expected ", shape());
  impl_->value = std::move(value);
  impl_->awaited.reset();
  touch();
}

Tensor Var::derived(const char* key, const std::function<Tensor(const Tensor&)>& make) const {
  auto& all = impl_->derived;
  const auto find = [&] { return std::ranges::find_if(all, [&](const Derived& d) { return d.key == key; }); };
  auto it = find();
  if (it != all.end() && it->version == impl_->version) return it->tensor;
  if (it != all.end()) it->tensor = Tensor();  // the old copy first goes back to the allocator
  const uint64_t version = impl_->version;
  Tensor tensor = make(value());
  it = find();  // make may derive something else from this value
  if (it == all.end()) it = all.insert(all.end(), {key, version, {}});
  it->tensor = std::move(tensor);
  it->version = version;
  return it->tensor;
}

bool grad_enabled() { return grad_on; }

template <class Range> static bool any_needs_grad(const Range& inputs) {
  return grad_on && std::ranges::any_of(inputs, [](const Var& v) { return v.requires_grad(); });
}
bool needs_grad(std::initializer_list<Var> inputs) { return any_needs_grad(inputs); }
bool needs_grad(const std::vector<Var>& inputs) { return any_needs_grad(inputs); }

NoGrad::NoGrad() : saved_(grad_on) { grad_on = false; }
NoGrad::~NoGrad() { grad_on = saved_; }

Var record(const char* name, std::vector<Var> inputs, Tensor y, BackwardFn backward) {
  const bool on = needs_grad(inputs);
  Var out(std::move(y), on);
  if (on) {
    const auto node = std::make_shared<Node>();
    node->name = name;
    node->order = next_order++;
    if (const StageClock* clock = context().stages) node->stage = clock->open();
    node->inputs = std::move(inputs);
    node->backward = std::move(backward);
    out.impl()->node = node;
  }
  return out;
}

bool Grads::needs(int input) const { return node_->inputs[static_cast<size_t>(input)].requires_grad(); }

void Grads::give(int input, Tensor gx) {
  const Var& x = node_->inputs[static_cast<size_t>(input)];
  if (!x.requires_grad() || !gx.defined()) return;
  check(gx.shape() == x.shape(), node_->name, ": the gradient of input ", input, " has shape ", gx.shape(), ", expected ", x.shape());
  Tensor& sum = (*in_)[static_cast<size_t>(input)];
  if (!sum.defined()) {
    sum = std::move(gx);
  } else {
    if (sum.shares_memory()) sum = sum.clone();
    sum.add_(gx);
  }
}

// Nodes are run in falling order of creation, so that all that used an output has given its gradient before its maker runs,
// and the order of every sum is fixed.
class Engine {
 public:
  void run(const Var& loss, const Tensor& seed) {
    add(loss, seed);
    while (!ready_.empty()) {
      const std::shared_ptr<Node> node = ready_.top().node;
      ready_.pop();
      auto found = pending_.find(node.get());
      Tensor out = std::move(found->second);
      pending_.erase(found);
      StageClock* const clock = context().stages;
      const double began = clock != nullptr ? clock->now() : 0;
      step(*node, std::move(out));
      if (clock != nullptr) clock->add_backward(node->stage, began);
    }
  }

 private:
  struct Entry {
    std::shared_ptr<Node> node;
    bool operator<(const Entry& o) const { return node->order < o.node->order; }
  };

  void step(Node& node, Tensor out) {
    check(static_cast<bool>(node.backward), node.name, ": backward was already run through this operation");
    std::vector<Tensor> in(node.inputs.size());
    Grads grads;
    grads.out_ = std::move(out);
    grads.node_ = &node;
    grads.in_ = &in;
    node.backward(grads);
    node.backward = nullptr;  // its captures are freed here
    grads.out_ = Tensor();
    for (size_t i = 0; i < in.size(); ++i) {
      Tensor g = std::move(in[i]);
      if (g.defined()) add(node.inputs[i], g);
    }
    node.inputs.clear();
  }

  static void accumulate(Tensor& sum, const Tensor& g, DType dtype) {
    if (!sum.defined()) {
      sum = g.to(dtype);
      return;
    }
    if (sum.shares_memory()) sum = sum.clone();
    sum.add_(g);
  }

  void add(const Var& v, const Tensor& g) {
    Var::Impl& impl = *v.impl();
    if (!impl.node) {  // a leaf: into its gradient, in place when it has one
      if (impl.grad.defined())
        impl.grad.add_(g);
      else
        impl.grad = g.shares_memory() ? g.clone().to(impl.value.dtype()) : g.to(impl.value.dtype());
      return;
    }
    auto [it, fresh] = pending_.try_emplace(impl.node.get());
    if (fresh) ready_.push({impl.node});
    accumulate(it->second, g, impl.value.dtype());
  }

  std::priority_queue<Entry> ready_;
  std::unordered_map<Node*, Tensor> pending_;  // ∂loss/∂y of operations that wait
};

void backward(const Var& loss, const Tensor& seed) {
  check(loss.requires_grad(), "backward: the loss depends on nothing that requires a gradient");
  check(seed.defined() || loss.value().numel() == 1, "backward: without a seed the loss must be one number, got ", loss.shape());
  check(!seed.defined() || seed.shape() == loss.shape(), "backward: the seed has shape ", seed.defined() ? seed.shape() : Shape{},
        ", the loss ", loss.shape());
  const NoGrad guard;
  const OnDevice where(loss.value().device());
  Engine().run(loss, seed.defined() ? seed : Tensor::full(loss.shape(), 1, loss.dtype()));
}

}  // namespace mr
