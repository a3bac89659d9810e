// Our side of the parity check against torchvision's maskrcnn_resnet50_fpn (scripts/parity makes the files and runs both sides).
//
//   parity DIR      DIR/weights.pth, DIR/predict_*.safetensors, DIR/train.safetensors
//
// Detections whose score lies within 1e-4 of a neighbour's or of the threshold may change places or drop out: they are exempt,
// and counted.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>

#include "models/systems/make.h"
#include "models/weights/load.h"
#include "models/weights/weight_file.h"
#include "tests/models/given_sample.h"
#include "train/detector.h"

using namespace mr;

namespace {

constexpr double box_bound = 0.01, score_bound = 1e-4, mask_bound = 1e-3, pixel_bound = 5e-3, loss_bound = 1e-4, gradient_bound = 1e-3;

bool all_good = true;
void row(const char* what, double worst, double bound) {
  all_good &= worst <= bound;
  std::printf("  %-34s %10.2e   bound %8.1e   %s\n", what, worst, bound, worst <= bound ? "ok" : "FAILED");
}

const NamedTensor& need(const WeightFile& f, const std::string& name) {
  const NamedTensor* t = f.find(name);
  check(t != nullptr, "parity: ", f.path, " has no tensor ", name);
  return *t;
}
std::vector<float> floats(const WeightFile& f, const std::string& name) { return read_floats(need(f, name)); }
std::vector<int32_t> ints(const WeightFile& f, const std::string& name) {
  const std::vector<double> v = read_doubles(need(f, name));
  return {v.begin(), v.end()};
}

// [N,3,H,W] in a file → [N,H,W,3]
Tensor read_images(const WeightFile& f, const std::string& name) {
  const NamedTensor& t = need(f, name);
  const std::vector<float> v = read_floats(t);
  const int64_t N = t.shape[0], C = t.shape[1], H = t.shape[2], W = t.shape[3];
  Tensor x = Tensor::empty({N, H, W, C});
  for (int64_t n = 0; n < N; ++n)
    for (int64_t c = 0; c < C; ++c)
      for (int64_t p = 0; p < H * W; ++p) x.data<float>()[(n * H * W + p) * C + c] = v[static_cast<size_t>((n * C + c) * H * W + p)];
  return x;
}

std::vector<int> numbers(const std::string& json) {
  std::vector<int> out;
  for (size_t i = 0; i < json.size();) {
    if (std::isdigit(static_cast<unsigned char>(json[i]))) {
      size_t used = 0;
      out.push_back(std::stoi(json.substr(i), &used));
      i += used;
    } else {
      ++i;
    }
  }
  return out;
}

double named_number(const std::string& json, const std::string& key) {
  const size_t at = json.find('"' + key + '"');
  check(at != std::string::npos, "parity: no ", key, " in ", json);
  return std::stod(json.substr(json.find(':', at) + 1));
}

void compare_prediction(System& model, const std::string& path) {
  const WeightFile f = open_weights(path);
  const std::vector<int> size = numbers(f.metadata.at("size"));
  HostBatch b;
  b.images = read_images(f, "input");
  b.sizes = {{size[0], size[1]}};
  const Detections d = predict(model, b)[0];
  const std::vector<float> boxes = floats(f, "raw_boxes"), scores = floats(f, "scores"), masks = floats(f, "raw_masks");
  const std::vector<int32_t> labels = ints(f, "labels");
  std::printf("%s: %lld detections, torchvision %zu\n", std::filesystem::path(path).stem().c_str(), static_cast<long long>(d.boxes.size(0)),
              scores.size());
  const size_t count = std::min(scores.size(), static_cast<size_t>(d.boxes.size(0)));
  double box = 0, score = 0, mask = 0;
  int exempt = 0, other = std::abs(static_cast<int>(scores.size()) - static_cast<int>(d.boxes.size(0)));
  const size_t area = masks.size() / std::max<size_t>(scores.size(), 1);
  for (size_t i = 0; i < count; ++i) {
    const bool tie = (i > 0 && scores[i - 1] - scores[i] < 1e-4f) || (i + 1 < scores.size() && scores[i] - scores[i + 1] < 1e-4f) ||
                     scores[i] < 0.05f + 1e-4f;
    double here = 0;
    for (size_t k = 0; k < 4; ++k) here = std::max(here, std::abs(double{d.boxes.data<float>()[4 * i + k]} - boxes[4 * i + k]));
    const bool same = labels[i] == d.labels.data<int32_t>()[i] && here < 1;
    if (!same && tie) {
      ++exempt;
      continue;
    }
    other += !same;
    box = std::max(box, here);
    score = std::max(score, std::abs(double{d.scores.data<float>()[i]} - scores[i]));
    for (size_t p = 0; p < area; ++p) mask = std::max(mask, std::abs(double{d.masks.data<float>()[i * area + p]} - masks[i * area + p]));
  }
  std::printf("  %d exempt (ties within 1e-4)\n", exempt);
  row("box, px", box, box_bound);
  row("score", score, score_bound);
  row("mask probability", mask, mask_bound);
  row("detections in another place", other, 0);
}

std::vector<CroppedMask> read_masks(const WeightFile& f, const std::string& name) {
  const NamedTensor& t = need(f, name);
  const std::vector<double> v = read_doubles(t);
  const int H = static_cast<int>(t.shape[1]), W = static_cast<int>(t.shape[2]);
  std::vector<CroppedMask> all;
  for (int64_t g = 0; g < t.shape[0]; ++g) {
    CroppedMask m{.image_height = H, .image_width = W, .x0 = 0, .y0 = 0, .bits = Bitmap(H, W)};
    for (size_t p = 0; p < m.bits.pixels.size(); ++p) m.bits.pixels[p] = v[static_cast<size_t>(g) * m.bits.pixels.size() + p] != 0;
    all.push_back(std::move(m));
  }
  return all;
}

Bitmap whole(const CroppedMask& m) {
  Bitmap b(m.image_height, m.image_width);
  for (int y = 0; y < m.bits.height; ++y)
    for (int x = 0; x < m.bits.width; ++x) b.at(m.y0 + y, m.x0 + x) = m.bits.at(y, x);
  return b;
}

// The whole way from the picture's bytes: resize, normalise, network, boxes back to the picture, pasted masks.
void compare_detector(const Detector& detector, const std::string& path) {
  const WeightFile f = open_weights(path);
  const NamedTensor& picture = need(f, "image");
  check(picture.shape.size() == 3 && picture.shape[2] == 3, "parity: ", f.path, ": image must be [H,W,3]; made by an older script?");
  const std::vector<double> bytes = read_doubles(picture);
  Image image(static_cast<int>(picture.shape[0]), static_cast<int>(picture.shape[1]));
  std::ranges::transform(bytes, image.rgb.begin(), [](double v) { return static_cast<uint8_t>(v); });
  const std::vector<Detection> found = detect(detector, image);
  const std::vector<float> boxes = floats(f, "boxes"), scores = floats(f, "scores");
  const std::vector<int32_t> labels = ints(f, "labels");
  const std::vector<CroppedMask> masks = read_masks(f, "masks");
  double box = 0, score = 0, mask = 0;
  int other = std::abs(static_cast<int>(scores.size()) - static_cast<int>(found.size()));
  for (size_t i = 0; i < std::min(found.size(), scores.size()); ++i) {
    const Detection& d = found[i];
    other += labels[i] != d.label;
    const double corners[] = {d.box.x1, d.box.y1, d.box.x2, d.box.y2};
    for (size_t k = 0; k < 4; ++k) box = std::max(box, std::abs(corners[k] - boxes[4 * i + k]));
    score = std::max(score, std::abs(double{d.score} - scores[i]));
    const Bitmap theirs = masks[i].bits, ours = whole(d.mask);
    int64_t different = 0, area = 0;
    for (size_t p = 0; p < theirs.pixels.size(); ++p) {
      different += (theirs.pixels[p] != 0) != (ours.pixels[p] != 0);
      area += theirs.pixels[p];
    }
    mask = std::max(mask, static_cast<double>(different) / static_cast<double>(std::max<int64_t>(area, 1)));
  }
  row("from the picture: box, px", box, box_bound);
  row("from the picture: score", score, score_bound);
  row("from the picture: pixels of a mask", mask, pixel_bound);
  row("from the picture: other labels", other, 0);
}

void compare_training(System& model, const std::string& path) {
  const WeightFile f = open_weights(path);
  HostBatch b;
  b.images = read_images(f, "input");
  std::vector<test::GivenSample> given;
  const std::vector<int> sizes = numbers(f.metadata.at("sizes"));
  for (int i = 0; i < b.images.size(0); ++i) {
    const std::string n = std::to_string(i);
    b.sizes.push_back({sizes[static_cast<size_t>(2 * i)], sizes[static_cast<size_t>(2 * i + 1)]});
    b.image_ids.push_back(i);
    const std::vector<float> boxes = floats(f, "gt_boxes" + n), rois = floats(f, "rois" + n);
    ImageTargets t;
    t.boxes = Tensor::of<float>({static_cast<int64_t>(boxes.size() / 4), 4}, boxes);
    const std::vector<int32_t> labels = ints(f, "gt_labels" + n);
    t.labels = Tensor::of<int32_t>({static_cast<int64_t>(labels.size())}, labels);
    t.masks = read_masks(f, "gt_masks" + n);
    b.targets.push_back(std::move(t));
    given.push_back({ints(f, "positive" + n), ints(f, "negative" + n), rois, ints(f, "roi_labels" + n), ints(f, "roi_gt" + n)});
  }
  model.parameters().zero_gradients();
  DeviceBatch there(b, true, Device{});
  there.chosen = test::training_sample(given);
  const Losses losses = model.losses(there);
  std::printf("training step\n");
  for (const NamedLoss& l : losses) {
    const double theirs = named_number(f.metadata.at("losses"), l.name);
    row(("loss " + l.name + ", relative").c_str(), std::abs(l.value.value().at(0) - theirs) / std::abs(theirs), loss_bound);
  }
  backward(total_loss(losses));
  double worst = 0;
  int compared = 0;
  for (const Parameter& p : model.parameters().all()) {
    const NamedTensor* t = f.find("grad." + p.name);
    if (!p.trainable || !t) continue;
    Parameter gradient = p;
    gradient.var = Var(p.var.grad());
    const std::vector<float> theirs = read_floats(*t), ours = read_floats(to_file(gradient));
    double difference = 0, norm = 0;
    for (size_t i = 0; i < theirs.size(); ++i) {
      difference += std::pow(double{ours[i]} - theirs[i], 2);
      norm += std::pow(double{theirs[i]}, 2);
    }
    const double off = std::sqrt(difference / std::max(norm, 1e-30));
    if (off > gradient_bound) std::printf("    %s %.2e\n", p.name.c_str(), off);
    worst = std::max(worst, off);
    ++compared;
  }
  std::printf("  %d parameters' gradients compared\n", compared);
  row("gradient, relative norm", worst, gradient_bound);
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc == 2, "usage: parity DIR");
  const std::string dir = argv[1];
  ModelConfig config;
  config.classes = 90;
  const std::unique_ptr<System> system = make_system(config, 0);
  System& model = *system;
  load_weights(model.parameters(), open_weights(dir + "/weights.pth"), {});
  std::vector<std::string> files;
  for (const auto& e : std::filesystem::directory_iterator(dir))
    if (e.path().filename().string().rfind("predict_", 0) == 0) files.push_back(e.path().string());
  std::ranges::sort(files);
  const Detector detector = load_detector(dir + "/weights.pth", {.recipe = "coco_r50_fpn_torchvision"});
  for (const std::string& path : files) {
    compare_prediction(model, path);
    compare_detector(detector, path);
  }
  compare_training(model, dir + "/train.safetensors");
  std::printf(all_good ? "parity holds\n" : "parity FAILED\n");
  return all_good ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "parity: %s\n", e.what());
  return 1;
}
