// What is normalised over a batch, over the parts of a batch that the members of a process group have: as over the whole.
#include "tensor/process_group.h"

#include <algorithm>

#include "ops/loss/cross_entropy.h"
#include "ops/loss/divisor.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"
#include "ops/norm/batch_norm.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"
#include "tests/process_threads.h"

using namespace mr;
using namespace mr::test;

namespace {

using Strings = std::vector<std::string>;
constexpr double rounding = 1e-12;

// Rows [begin, end) of the members of a batch of seven: two, and five.
std::pair<int64_t, int64_t> rows_of(const ProcessGroup& group) {
  if (group.size() == 1) return {0, 7};
  return group.rank() == 0 ? std::pair<int64_t, int64_t>{0, 2} : std::pair<int64_t, int64_t>{2, 7};
}
Tensor part(const Tensor& t) {
  const auto [begin, end] = rows_of(process_group());
  return t.slice(begin, end).clone();
}

// Of a function of a part: its value, and the gradients of the part and of parameters.
struct Result {
  double value = 0;
  std::vector<double> y, gx;               // the members' rows one behind the other
  std::vector<double> shared, statistics;  // shared: gradients of parameters, added up
};
using Work = std::function<void(Result&)>;

void append_values(std::vector<double>& to, const Tensor& t) {
  for (int64_t i = 0; i < t.numel(); ++i) to.push_back(t.at(i));
}

// By one process, and by two; of the two what belongs together is put together.
void compare(const Work& work, double margin = rounding) {
  Result whole;
  work(whole);
  std::vector<Result> parts(2);
  REQUIRE(run_members(2, [&](ProcessGroup& group) { work(parts[static_cast<size_t>(group.rank())]); }) == Strings(2));
  CHECK(parts[0].value + parts[1].value == Approx(whole.value).epsilon(rounding));
  const auto check_all = [margin](const char* what, const std::vector<double>& got, const std::vector<double>& want) {
    INFO(what);
    REQUIRE(got.size() == want.size());
    for (size_t i = 0; i < want.size(); ++i) CHECK(got[i] == Approx(want[i]).epsilon(rounding).margin(margin));
  };
  const auto joined = [&](std::vector<double> Result::*rows) {
    std::vector<double> all = parts[0].*rows;
    all.insert(all.end(), (parts[1].*rows).begin(), (parts[1].*rows).end());
    return all;
  };
  check_all("y", joined(&Result::y), whole.y);
  check_all("gx", joined(&Result::gx), whole.gx);
  std::vector<double> shared = parts[0].shared;
  for (size_t i = 0; i < shared.size(); ++i) shared[i] += parts[1].shared[i];
  check_all("gradients of parameters", shared, whole.shared);
  for (const Result& r : parts) check_all("statistics", r.statistics, whole.statistics);
}

// A loss of seven rows that divides by the rows with labels in [first, 4).
void compare_loss(const std::vector<int32_t>& labels, int32_t first,
                  const std::function<Var(const Var&, const Tensor&, const Divisor&)>& loss) {
  const Tensor z = random_tensor({7, 4}, "z", DType::f64), all = Tensor::of<int32_t>({7}, labels);
  compare([&](Result& r) {
    const Var x(part(z), true);
    const Tensor mine = part(all);
    const Var l = loss(x, mine, over_labels(mine, first, 4));
    backward(l);
    r.value = l.value().at(0);
    append_values(r.gx, x.grad());
  });
}

}  // namespace

TEST_CASE("losses of the parts of a batch add up to the batch's, and so do their gradients", "[process_group]") {
  for (const auto& labels :
       {std::vector<int32_t>{1, 0, 3, 2, 0, 1, 3}, {0, 0, 3, 2, 0, 1, 3}, {1, 1, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0}}) {
    INFO("label 0: " << labels[0] << ", label 2: " << labels[2]);
    compare_loss(labels, 0, [](const Var& x, const Tensor& l, const Divisor& d) { return softmax_cross_entropy(x, l, d); });
    compare_loss(labels, 1, [](const Var& x, const Tensor&, const Divisor& d) {
      return smooth_l1(x, part(random_tensor({7, 4}, "target", DType::f64)), 0.5, d);
    });
    compare_loss(labels, 1, [](const Var& x, const Tensor&, const Divisor& d) {
      return sigmoid_bce(x, part(random_tensor({7, 4}, "target", DType::f64, 0.5, 0.4)), {}, d);
    });
  }
}

TEST_CASE("live norms take their statistics over the parts of all members", "[process_group]") {
  for (const double offset : {0.0, 1e4}) {  // of which a mean of squares less the square of the mean would lose eight digits
    const Tensor x = random_tensor({7, 3, 2, 5}, "x", DType::f64, offset, 2), gy = random_tensor({7, 3, 2, 5}, "gy", DType::f64);
    const Tensor w = random_tensor({5}, "w", DType::f64, 1, 0.5), b = random_tensor({5}, "b", DType::f64);
    for (const bool training : {true, false})
      compare(
          [&](Result& r) {
            const Var xv(part(x), true), wv(w.clone(), true), bv(b.clone(), true);
            const Tensor mean = Tensor::full({5}, 0.5, DType::f64), var = Tensor::full({5}, 2, DType::f64);
            const Var y = batch_norm(xv, wv, bv, mean, var, 0.1, 1e-5, training);
            backward(y, part(gy));
            append_values(r.y, y.value());
            append_values(r.gx, xv.grad());
            append_values(r.shared, wv.grad());
            append_values(r.shared, bv.grad());
            append_values(r.statistics, mean);
            append_values(r.statistics, var);
          },
          rounding * std::max(1.0, 10 * offset));
  }
}
