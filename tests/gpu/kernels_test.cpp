// Kernels as the operators' are written, against plain f64 loops; every order of threads and blocks gives the same bits.
#include <cmath>
#include <limits>

#include "tests/gpu/device.h"
#include "tests/gpu/kernels.h"

using namespace mr;
using namespace mr::gpu;

TEST_CASE("vector_add: packs of four, and what is left over", "[gpu]") {
  if (!has_device()) return;
  for (const int n : {1, 3, 4, 1023, 4096, 10001}) {
    Stream stream;
    const auto a = random_values<float>(static_cast<size_t>(n), 1), b = random_values<float>(static_cast<size_t>(n), 2);
    DeviceArray<float> da(a.size()), db(a.size()), dy(a.size());
    da.upload(a, stream);
    db.upload(b, stream);
    const auto y = under_every_order([&] {
      samples::vector_add(da.data(), db.data(), dy.data(), n, stream);
      return dy.download(stream);
    });
    int wrong = 0;
    for (size_t i = 0; i < y.size(); ++i) wrong += y[i] != a[i] + b[i];
    CHECK(wrong == 0);
  }
}

TEST_CASE("block_sum: warp shuffles, then shared memory", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  const auto x = random_values<float>(20011, 3);
  const int blocks = 7;
  DeviceArray<float> dx(x.size()), partial(blocks), total(1);
  dx.upload(x, stream);
  const auto y = under_every_order([&] {
    samples::block_sum(dx.data(), partial.data(), static_cast<int>(x.size()), blocks, stream);
    samples::block_sum(partial.data(), total.data(), blocks, 1, stream);
    return total.download(stream);
  });
  double sum = 0;
  for (const float v : x) sum += v;
  CHECK(y[0] == Approx(sum).margin(1e-3));
}

TEST_CASE("transpose: three ways give the same", "[gpu]") {
  if (!has_device()) return;
  const int rows = 70, columns = 101;
  Stream stream;
  const auto x = random_values<float>(rows * columns, 4);
  DeviceArray<float> dx(x.size()), dy(x.size());
  dx.upload(x, stream);
  for (const auto run : {samples::transpose, samples::transpose_naive, samples::transpose_conflicts}) {
    const auto y = under_every_order([&] {
      set_async(dy.data(), 0xff, dy.bytes(), stream);
      run(dx.data(), dy.data(), rows, columns, stream);
      return dy.download(stream);
    });
    int wrong = 0;
    for (size_t i = 0; i < rows; ++i)
      for (size_t j = 0; j < columns; ++j) wrong += y[j * rows + i] != x[i * columns + j];
    CHECK(wrong == 0);
  }
}

TEST_CASE("histogram: atomics in shared and in device memory", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  Rng rng(5, "gpu");
  std::vector<uint8_t> x(30000);
  std::vector<int> expected(256);
  for (uint8_t& v : x) ++expected[v = static_cast<uint8_t>(rng.below(256) * rng.below(256) / 256)];
  DeviceArray<uint8_t> dx(x.size());
  DeviceArray<int> count(256);
  dx.upload(x, stream);
  const auto y = under_every_order([&] {
    set_async(count.data(), 0, count.bytes(), stream);
    samples::histogram(dx.data(), count.data(), static_cast<int>(x.size()), stream);
    return count.download(stream);
  });
  CHECK(y == expected);
}

TEST_CASE("matmul: cp.async, ldmatrix and mma against an f64 product", "[gpu]") {
  if (!has_device()) return;
  struct Size {
    int M, N, K;
  };
  for (const auto [M, N, K] : {Size{64, 64, 32}, Size{128, 64, 96}, Size{50, 72, 40}, Size{1, 8, 8}, Size{70, 200, 136}}) {
    Stream stream;
    const auto a = random_values<bf16>(static_cast<size_t>(M * K), 6), b = random_values<bf16>(static_cast<size_t>(K * N), 7);
    DeviceArray<bf16> da(a.size()), db(b.size());
    DeviceArray<float> dc(static_cast<size_t>(M * N));
    da.upload(a, stream);
    db.upload(b, stream);
    const auto c = under_every_order([&] {
      set_async(dc.data(), 0xff, dc.bytes(), stream);
      samples::matmul(da.data(), db.data(), dc.data(), M, N, K, stream);
      return dc.download(stream);
    });
    double worst = 0;
    for (int i = 0; i < M; ++i)
      for (int j = 0; j < N; ++j) {
        double sum = 0, size = 0;
        for (int k = 0; k < K; ++k) {
          const double p = static_cast<double>(a[static_cast<size_t>(i * K + k)]) * static_cast<double>(b[static_cast<size_t>(k * N + j)]);
          sum += p;
          size += std::abs(p);
        }
        const double error = std::abs(c[static_cast<size_t>(i * N + j)] - sum) / size;
        if (!(error <= worst)) worst = error;  // NaN too
      }
    INFO(M << " x " << N << " x " << K << ": worst error " << worst);
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("the matrix units' fragments lie as the manual says", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  const auto product = [&]<class T, class C>(T, C, int M, int N, int K, auto run, double bound) {
    const auto a = random_values<T>(static_cast<size_t>(M * K), 8), b = random_values<T>(static_cast<size_t>(K * N), 9);
    const auto c = random_values<C>(static_cast<size_t>(M * N), 10);
    DeviceArray<T> da(a.size()), db(b.size());
    DeviceArray<C> dc(c.size()), dd(c.size());
    da.upload(a, stream);
    db.upload(b, stream);
    dc.upload(c, stream);
    const auto d = under_every_order([&] {
      run(da.data(), db.data(), dc.data(), dd.data(), stream);
      return dd.download(stream);
    });
    double worst = 0;
    for (int i = 0; i < M; ++i)
      for (int j = 0; j < N; ++j) {
        double sum = c[static_cast<size_t>(i * N + j)];
        for (int k = 0; k < K; ++k)
          sum += static_cast<double>(a[static_cast<size_t>(i * K + k)]) * static_cast<double>(b[static_cast<size_t>(k * N + j)]);
        worst = std::max(worst, std::abs(d[static_cast<size_t>(i * N + j)] - sum));
      }
    CHECK(worst < bound);
  };
  product(bf16{}, float{}, 16, 8, 16, samples::fragment_bf16, 1e-6);
  product(float{}, float{}, 16, 8, 8, samples::fragment_tf32, 5e-3);  // 10 mantissa bits
  product(double{}, double{}, 8, 8, 4, samples::fragment_f64, 1e-14);
}

TEST_CASE("bf16 on the device: all 65,536 patterns, and rounding to nearest even between them", "[gpu]") {
  if (!has_device()) return;
  constexpr int patterns = 65536;
  Stream stream;
  DeviceArray<float> dx(patterns), dz(patterns);
  DeviceArray<uint16_t> dy(patterns);
  for (const uint32_t low : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
    std::vector<float> x(patterns);
    for (uint32_t i = 0; i < patterns; ++i) x[i] = std::bit_cast<float>(i << 16 | low);
    dx.upload(x, stream);
    const auto y = under_every_order([&] {
      samples::convert_bf16(dx.data(), dy.data(), dz.data(), patterns, stream);
      return dy.download(stream);
    });
    const auto z = dz.download(stream);
    int wrong = 0;
    for (uint32_t i = 0; i < patterns; ++i) {
      const bool up = low > 0x8000u || (low == 0x8000u && i % 2 == 1);  // the next pattern is the next magnitude, and infinity the last
      const float expected = std::bit_cast<float>((up ? i + 1 : i) << 16), got = std::bit_cast<float>(uint32_t{y[i]} << 16);
      wrong += std::isnan(x[i]) ? !std::isnan(got) : std::bit_cast<uint32_t>(expected) != std::bit_cast<uint32_t>(got);
      wrong += std::bit_cast<uint32_t>(z[i]) != i << 16;
    }
    INFO("low half " << low);
    CHECK(wrong == 0);
  }
}

TEST_CASE("shuffles and votes of a warp", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<int> lanes(8 * 32);
  const auto y = under_every_order([&] {
    samples::warp_functions(lanes.data(), stream);
    return lanes.download(stream);
  });
  for (int l = 0; l < 32; ++l) {
    const auto at = [&](int row) { return y[static_cast<size_t>(row * 32 + l)]; };
    INFO("lane " << l);
    CHECK(at(0) == 103);
    CHECK(at(1) == 100 + l / 8 * 8 + 1);
    CHECK(at(2) == 100 + (l % 16 < 5 ? l : l - 5));
    CHECK(at(3) == 100 + (l % 16 + 5 > 15 ? l : l + 5));
    CHECK(at(4) == 100 + (l ^ 6));
    CHECK(at(5) == 0x49249249);
    CHECK(at(6) == (l % 2 == 1 ? 1 + 2 + 0 : 0));
    CHECK(at(7) == (l ^ 1));
  }
}

TEST_CASE("votes of a block", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<int> out(3);
  const auto y = under_every_order([&] {
    samples::block_votes(out.data(), stream);
    return out.download(stream);
  });
  CHECK(y == std::vector<int>{70, 1, 0});
}

TEST_CASE("atomics: every thread sees its own old value", "[gpu]") {
  if (!has_device()) return;
  Stream stream;
  DeviceArray<int> out(6);
  const auto y = under_every_order([&] {
    set_async(out.data(), 0, out.bytes(), stream);
    samples::atomics(out.data(), stream);
    return out.download(stream);
  });
  CHECK(y == std::vector<int>{64, 63 * 64 / 2, 7, 5, 63, 0});
}
