// U-Net and U-Net++ against the formula, written out in the test.
#include "models/heads/unet.h"

#include <string>

#include "autograd/gradcheck.h"
#include "ops/elementwise/concat.h"
#include "tests/catch.h"
#include "tests/models/f64_parameters.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;

namespace {

// A map of the oracle, [S,S,C].
struct Map {
  int64_t side = 0, channels = 0;
  std::vector<double> v;
  Map(int64_t s, int64_t c) : side(s), channels(c), v(static_cast<size_t>(s * s * c)) {}
  double& at(int64_t y, int64_t x, int64_t c) { return v[static_cast<size_t>((y * side + x) * channels + c)]; }
  double at(int64_t y, int64_t x, int64_t c) const { return v[static_cast<size_t>((y * side + x) * channels + c)]; }
};

struct Oracle {
  Parameters& p;
  const std::vector<int64_t>& widths;
  bool nested;

  Tensor value(const std::string& name) const {
    const Parameter* found = p.find(name);
    REQUIRE(found != nullptr);
    return found->var.value();
  }

  Map conv(const Map& x, const std::string& name) const {  // 3×3, ReLU
    const Tensor w = value(name + ".weight"), b = value(name + ".bias");
    Map y(x.side, w.size(0));
    REQUIRE(w.shape() == Shape{w.size(0), 3, 3, x.channels});
    for (int64_t i = 0; i < x.side; ++i)
      for (int64_t j = 0; j < x.side; ++j)
        for (int64_t o = 0; o < y.channels; ++o) {
          double sum = b.at(o);
          for (int64_t u = 0; u < 3; ++u)
            for (int64_t v = 0; v < 3; ++v) {
              const int64_t r = i + u - 1, q = j + v - 1;
              if (r < 0 || r >= x.side || q < 0 || q >= x.side) continue;
              for (int64_t c = 0; c < x.channels; ++c) sum += x.at(r, q, c) * w.at(((o * 3 + u) * 3 + v) * x.channels + c);
            }
          y.at(i, j, o) = std::max(sum, 0.0);
        }
    return y;
  }
  Map block(const Map& x, const std::string& name) const { return conv(conv(x, name + ".conv1"), name + ".conv2"); }

  Map down(const Map& x) const {
    Map y(x.side / 2, x.channels);
    for (int64_t i = 0; i < y.side; ++i)
      for (int64_t j = 0; j < y.side; ++j)
        for (int64_t c = 0; c < y.channels; ++c)
          y.at(i, j, c) =
              std::max({x.at(2 * i, 2 * j, c), x.at(2 * i, 2 * j + 1, c), x.at(2 * i + 1, 2 * j, c), x.at(2 * i + 1, 2 * j + 1, c)});
    return y;
  }

  Map up(const Map& x, const std::string& name) const {
    const Tensor w = value(name + ".weight"), b = value(name + ".bias");
    Map y(2 * x.side, w.size(3));
    for (int64_t i = 0; i < y.side; ++i)
      for (int64_t j = 0; j < y.side; ++j)
        for (int64_t o = 0; o < y.channels; ++o) {
          double sum = b.at(o);
          for (int64_t c = 0; c < x.channels; ++c) sum += x.at(i / 2, j / 2, c) * w.at(((c * 2 + i % 2) * 2 + j % 2) * y.channels + o);
          y.at(i, j, o) = sum;
        }
    return y;
  }

  static Map beside(const std::vector<Map>& maps) {
    int64_t channels = 0;
    for (const Map& m : maps) channels += m.channels;
    Map y(maps[0].side, channels);
    for (int64_t i = 0; i < y.side; ++i)
      for (int64_t j = 0; j < y.side; ++j) {
        int64_t at = 0;
        for (const Map& m : maps)
          for (int64_t c = 0; c < m.channels; ++c) y.at(i, j, at++) = m.at(i, j, c);
      }
    return y;
  }

  static std::string name(size_t i, size_t j) { return str("x", i, "_", j); }

  // X(i,j) of U-Net++, by its recursion.
  Map x(const Map& input, size_t i, size_t j) const {
    if (j == 0) return block(i == 0 ? input : down(x(input, i - 1, 0)), name(i, 0));
    std::vector<Map> maps;
    for (size_t k = 0; k < j; ++k) maps.push_back(x(input, i, k));
    maps.push_back(up(x(input, i + 1, j - 1), name(i, j) + ".up"));
    return block(beside(maps), name(i, j));
  }
  // Y(i) of a U-Net.
  Map y(const Map& input, size_t i) const {
    const Map across = x(input, i, 0);
    if (i + 1 == widths.size()) return across;
    return block(beside({across, up(y(input, i + 1), name(i, 1) + ".up")}), name(i, 1));
  }

  std::vector<Map> run(const Map& input) const {
    if (!nested) return {y(input, 0)};
    std::vector<Map> maps;
    for (size_t j = 1; j < widths.size(); ++j) maps.push_back(x(input, 0, j));
    return maps;
  }
};

int64_t parameters_with_one_output(const std::vector<int64_t>& widths, bool nested) {
  Parameters p;
  const UNet net(p, "", 3, widths, nested);
  const Conv last(p, "last", widths[0], 1, 1, Init::zeros());
  return count(p);
}

}  // namespace

TEST_CASE("U-Net and U-Net++ have the published number of parameters", "[models][unet]") {
  CHECK(parameters_with_one_output({32, 64, 128, 256, 512}, false) == 7'760'097);
  CHECK(parameters_with_one_output({32, 64, 128, 256, 512}, true) == 9'042'177);
}

TEST_CASE("U-Net and U-Net++ are their formula, worked out in f64", "[models][unet]") {
  const std::vector<int64_t> widths = {2, 3, 2, 4};
  for (const bool nested : {false, true}) {
    Parameters p;
    const UNet net(p, "", 3, widths, nested);
    set_f64(p, 7);
    const Tensor x = random_tensor({2, 8, 8, 3}, "x");
    const std::vector<Var> maps = net(Var(x));
    REQUIRE(maps.size() == (nested ? widths.size() - 1 : 1));
    for (int64_t n = 0; n < 2; ++n) {
      Map input(8, 3);
      for (size_t i = 0; i < input.v.size(); ++i) input.v[i] = x.at(n * 8 * 8 * 3 + static_cast<int64_t>(i));
      const std::vector<Map> expected = Oracle{p, widths, nested}.run(input);
      for (size_t k = 0; k < maps.size(); ++k) {
        REQUIRE(maps[k].shape() == Shape{2, 8, 8, 2});
        for (size_t i = 0; i < expected[k].v.size(); ++i)
          CHECK(maps[k].value().at(n * 8 * 8 * 2 + static_cast<int64_t>(i)) == Approx(expected[k].v[i]).margin(1e-12));
      }
    }
  }
}

TEST_CASE("U-Net and U-Net++ have the gradients of differences, of input and of every parameter", "[models][unet]") {
  for (const bool nested : {false, true}) {
    Parameters p;
    const UNet net(p, "", 2, {2, 3, 2}, nested);
    set_f64(p, 3);
    const Tensor x = random_tensor({1, 4, 4, 2}, "x");
    const GradcheckResult of_input =
        gradcheck(std::function<std::vector<Var>(const std::vector<Var>&)>([&](const std::vector<Var>& v) { return net(v[0]); }), {x});
    INFO(of_input.message);
    CHECK(of_input.ok);
    check_parameter_gradients(p, [&] { return concat_rows(net(Var(x))); });
  }
}
