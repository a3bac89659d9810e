// A tiny detector against torchvision's figures for the same weights and image, which
// scripts/golden_tiny_*.py write (scripts/golden_detector.py).
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/systems/rcnn.h"
#include "tests/catch.h"
#include "tests/models/given_sample.h"
#include "tests/models/golden_weights.h"

namespace mr::test {

struct GoldenDetector {
  std::vector<float> boxes, scores;
  std::vector<int32_t> labels;
  std::vector<float> mask_means;  // of what was found in the image
  GivenSample sample;             // what the training step was done with
  std::vector<double> losses;
  std::vector<std::pair<std::string, double>> gradient_norms;
};

// An image with three ellipses for objects.
inline HostBatch golden_batch() {
  HostBatch b;
  b.images = golden_image(128, 160);
  b.sizes = {{128, 160}};
  b.image_ids = {1};
  ImageTargets t;
  t.boxes = Tensor::of<float>({3, 4}, {10, 12, 60, 70, 70, 30, 150, 100, 5, 80, 40, 120});
  t.labels = Tensor::of<int32_t>({3}, {2, 5, 1});
  for (int g = 0; g < 3; ++g) {
    const float* q = t.boxes.data<float>() + 4 * g;
    CroppedMask m{.image_height = 128, .image_width = 160, .x0 = 0, .y0 = 0, .bits = Bitmap(128, 160)};
    for (int y = 0; y < 128; ++y)
      for (int x = 0; x < 160; ++x) {
        const float u = (static_cast<float>(x) + 0.5f - (q[0] + q[2]) / 2) / (q[2] - q[0]) * 2;
        const float v = (static_cast<float>(y) + 0.5f - (q[1] + q[3]) / 2) / (q[3] - q[1]) * 2;
        m.bits.at(y, x) = u * u + v * v <= 1;
      }
    t.masks.push_back(m);
  }
  b.targets = {t};
  return b;
}

// The losses of the sample that torchvision trained on.
inline Losses golden_losses(System& model, const GivenSample& sample) {
  DeviceBatch batch(golden_batch(), true, Device{});
  batch.chosen = training_sample({sample});
  return model.losses(batch);
}

inline void check_detections(System& model, const GoldenDetector& want) {
  HostBatch b = golden_batch();
  b.targets.clear();
  const Detections d = predict(model, b)[0];
  REQUIRE(d.boxes.size(0) == static_cast<int64_t>(want.labels.size()));
  double box = 0, score = 0, mask = 0;
  int labels = 0;
  const int64_t area = d.masks.size(1) * d.masks.size(2);
  for (size_t i = 0; i < want.labels.size(); ++i) {
    for (size_t k = 0; k < 4; ++k)
      box = std::max(box, std::abs(d.boxes.at(static_cast<int64_t>(4 * i + k)) - double{want.boxes[4 * i + k]}));
    score = std::max(score, std::abs(d.scores.at(static_cast<int64_t>(i)) - double{want.scores[i]}));
    labels += d.labels.data<int32_t>()[i] != want.labels[i];
    double mean = 0;
    for (int64_t p = 0; p < area; ++p) mean += d.masks.data<float>()[static_cast<int64_t>(i) * area + p];
    mask = std::max(mask, std::abs(mean / static_cast<double>(area) - want.mask_means[i]));
  }
  INFO("largest differences: box " << box << " px, score " << score << ", mask mean " << mask);
  CHECK(box < 0.01);
  CHECK(score < 1e-4);
  CHECK(mask < 1e-4);
  CHECK(labels == 0);
}

inline void check_step(System& model, const GoldenDetector& want) {
  model.parameters().zero_gradients();
  const Losses losses = golden_losses(model, want.sample);
  REQUIRE(losses.size() == want.losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    INFO(losses[i].name);
    CHECK(losses[i].value.value().at(0) == Approx(want.losses[i]).epsilon(1e-4));
  }
  backward(total_loss(losses));
  check_gradient_norms(model.parameters(), want.gradient_norms);
}

}  // namespace mr::test
