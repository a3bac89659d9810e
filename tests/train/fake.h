// A detector of eleven numbers, so that tests of the loop take milliseconds: y = b + Σ_c w_c · (mean of channel c), fitted to a plane.
#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "models/system.h"
#include "tensor/rng.h"
#include "train/loop.h"

namespace mr {

class FakeSystem : public System {
 public:
  explicit FakeSystem(std::string term = "fit") : term_(std::move(term)) {
    w_ = parameters_.add("head.weight", {3}, Init::normal(0.1));
    b_ = parameters_.add("head.bias", {1}, Init::zeros(), ParameterKind::bias);
    statistics_ = parameters_.add_buffer("norm.running_mean", {7}, 0.5);
    parameters_.pack(3);
  }
  Parameters& parameters() override { return parameters_; }

  Traits traits() const override { return {.losses = {term_, "size"}}; }

  Losses losses(const DeviceBatch& batch) override {
    const int64_t n = batch.images.size(0);
    const double all = sum_of(process_group(), static_cast<double>(n));
    const float* w = w_.value().data<float>();
    double fit = 0, size = 0, gw[3] = {}, gb = 0;
    for (int64_t i = 0; i < n; ++i) {
      const auto x = batch.images.slice(i, i + 1).values<float>();
      const double y = b_.value().at(0) + w[0] * x[0] + w[1] * x[1] + w[2] * x[2], e = y - (0.3 + x[0] - 2 * x[1] + 0.5 * x[2]);
      fit += e * e / all;
      gb += 2 * e / all;
      for (int c = 0; c < 3; ++c) gw[c] += 2 * e * x[static_cast<size_t>(c)] / all;
      size += x[0] * 0;  // NaN where the image is
    }
    statistics_.value().data<float>()[0] += 0.125f;  // as a live norm's statistics change
    const Tensor g = Tensor::of<double>({4}, {gw[0], gw[1], gw[2], gb});
    const Var loss = record("fit", {w_, b_}, Tensor::full({}, fit), [g](Grads& grads) {
      const double s = grads.out().at(0);
      grads.give(
          0, Tensor::of<float>({3}, {static_cast<float>(s * g.at(0)), static_cast<float>(s * g.at(1)), static_cast<float>(s * g.at(2))}));
      grads.give(1, Tensor::of<float>({1}, {static_cast<float>(s * g.at(3))}));
    });
    return {{term_, loss}, {"size", Var(Tensor::full({}, size))}};
  }
  Found detect(const DeviceBatch&) const override { return {}; }

 private:
  std::string term_;
  Parameters parameters_;
  Var w_, b_, statistics_;
};

// A folder of the test's own, removed at its end.
class TestFolder {
 public:
  TestFolder() {
    static int counter = 0;
    path_ =
        (std::filesystem::temp_directory_path() / ("mrcnn_test_" + std::to_string(getpid()) + "_" + std::to_string(counter++))).string();
    std::filesystem::create_directories(path_ + "/checkpoints");
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline DeviceBatch fake_batch(int64_t number, int64_t images) {
  Rng rng(7, "fake", 0, static_cast<uint64_t>(number));
  HostBatch b;
  b.images = Tensor::empty({images, 1, 1, 3});
  for (float& v : b.images.values<float>()) v = rng.uniform();
  for (int64_t i = 0; i < images; ++i) b.image_ids.push_back(number * images + i);
  b.sizes.assign(static_cast<size_t>(images), {1, 1});
  return {b, false, {}};
}

inline std::vector<float> all_values(const Parameters& parameters) {
  std::vector<float> v;
  for (const Parameter& p : parameters.all()) {
    const auto values = p.var.value().values<float>();
    v.insert(v.end(), values.begin(), values.end());
  }
  return v;
}

}  // namespace mr
