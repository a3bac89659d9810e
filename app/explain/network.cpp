#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "app/usage.h"
#include "data/image/image.h"
#include "models/proposals/rpn.h"
#include "models/systems/rcnn.h"
#include "tensor/context.h"
#include "train/batches.h"
#include "train/detector.h"
#include "train/pretrained.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// ---- rpn ----

struct Scored {
  double score;
  Box box;
};

Box row_of(const Tensor& boxes, int64_t i) {
  const float* b = boxes.data<float>() + 4 * i;
  return {b[0], b[1], b[2], b[3]};
}

std::vector<Scored> best_anchors(const RPN::Output& out, size_t count) {
  std::vector<Scored> all;
  for (size_t l = 0; l < out.anchors.size(); ++l) {
    const float* z = out.objectness[l].data<float>();
    for (int64_t i = 0; i < out.anchors[l].size(0); ++i) all.push_back({sigmoid(z[i]), row_of(out.anchors[l], i)});
  }
  count = std::min(count, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<ptrdiff_t>(count), {}, [](const Scored& s) { return -s.score; });
  all.resize(count);
  return all;
}

struct BoxPanel {
  const char* title;
  const std::string& stroke;
  std::vector<Box> boxes;  // pixels of the picture
};

// The picture with each panel's boxes. An anchor may reach out of the picture: it is drawn whole, and all panels show the same part.
Svg on_picture(const Image& picture, const std::vector<BoxPanel>& panels) {
  constexpr double side = 420;
  const auto width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
  Box view{0, 0, width, height};
  for (const BoxPanel& panel : panels)
    for (const Box& b : panel.boxes)
      view = {std::min(view.x1, b.x1), std::min(view.y1, b.y1), std::max(view.x2, b.x2), std::max(view.y2, b.y2)};
  const Plane p{.scale = side / static_cast<double>(std::max(view.width(), view.height())), .view = view};
  std::vector<Svg> figures;
  for (const BoxPanel& panel : panels) {
    Svg svg(std::max(p.right(), p.x + text_width(panel.title, 13, true)) + 12, p.bottom() + 14);
    p.draw(svg, panel.title);
    const Point corner = p.at(0, 0);
    svg.image(corner.x, corner.y, width * p.scale, height * p.scale, picture);
    for (const Box& b : panel.boxes) p.box(svg, b, {.stroke = panel.stroke, .width = 1.5});
    figures.push_back(svg);
  }
  return beside(figures);
}

Tensor boxes_of_first_image(const BoxList& list) {
  return list.boxes.slice(0, 1).reshape({list.boxes.size(1), 4}).slice(0, list.count.data<int32_t>()[0]);
}

// ---- gradients ----

// The part of the network that a parameter belongs to: backbone.body.layer2.0.conv1.weight → backbone.body.layer2
std::string module_of(const std::string& name) {
  constexpr std::string_view deep = "backbone.body.";
  size_t at = name.find('.', name.starts_with(deep) ? deep.size() : 0);
  if (!name.starts_with(deep)) at = name.find('.', at + 1);
  return name.substr(0, at);
}

// By file name, by number, or the first one.
int64_t index_of(const Dataset& data, const std::string& image) {
  if (image.empty()) return 0;
  if (std::ranges::all_of(image, [](unsigned char c) { return std::isdigit(c); })) {
    const int64_t i = std::stoll(image.substr(0, 12));
    check(i < data.size(), "explain: gradients: --image: the training set has the images 0 … ", data.size() - 1, ", got ", image);
    return i;
  }
  for (int64_t i = 0; i < data.size(); ++i)
    if (const std::string file = data.info(i).file; file == image || fs::path(file).filename() == fs::path(image).filename()) return i;
  fail("explain: gradients: --image: the training set has no image ", image, "; its gradient needs the objects that are annotated on it");
}

}  // namespace

Page explain_rpn(const std::string& weights, const std::string& image) {
  check_usage(!weights.empty() && !image.empty(), "explain: rpn: a trained model and a picture are needed: --weights FILE --image FILE");
  const Detector d = load_detector(weights);
  const auto* model = dynamic_cast<const RCNN*>(d.system.get());
  const auto* rpn = model ? dynamic_cast<const RPN*>(model->parts().proposer.get()) : nullptr;
  check(rpn != nullptr, "explain: rpn: ", weights, " holds no network with an RPN");
  const Image picture = read_image(image);
  const Image* one = &picture;
  const ImageBatch input = resize_to_tensor({&one, 1}, d.recipe.preprocess);
  HostBatch batch;
  batch.images = input.images;
  batch.sizes = {{input.sizes[0].height, input.sizes[0].width}};
  const RPNConfig& config = rpn_of(d.recipe.model, "explain: rpn");
  const NoGrad guard;
  const DeviceBatch seen(batch, false, Device{});
  const RPN::Output output = rpn->run(model->features(seen, false), seen.images.shape());

  Page page;
  page.title = fmt::format("From anchors to proposals: {}", fs::path(image).filename().string());
  page.say(fmt::format("The picture is {} × {} pixels; the network sees {} × {}, padded to {} × {}.", picture.width, picture.height,
                       input.sizes[0].width, input.sizes[0].height, batch.images.size(2), batch.images.size(1)));
  Table& t = page.table("Every level's anchors and their scores", {"level", "anchors", "best score", "above 0.5", "kept for NMS"});
  int64_t anchors = 0;
  for (size_t l = 0; l < output.anchors.size(); ++l) {
    const auto z = output.objectness[l].values<float>();
    const auto n = static_cast<int64_t>(z.size());
    anchors += n;
    t.rows.push_back({model->parts().backbone->levels()[l].name, n, sigmoid(*std::ranges::max_element(z)),
                      static_cast<int64_t>(std::ranges::count_if(z, [](float v) { return v > 0; })),
                      std::min<int64_t>(n, config.pre_nms_test)});
  }
  const Tensor proposals = boxes_of_first_image(rpn->proposals(output, seen.sizes, false));
  page.say(
      fmt::format("The {} best of each level are decoded (their deltas move and stretch the anchor), cut to the picture, and thinned by "
                  "NMS at an IoU of {}: of {} anchors {} proposals are left.",
                  config.pre_nms_test, number(config.nms), anchors, proposals.size(0)));
  Table& best = page.table("The first proposals, in pixels of the picture", {"rank", "x1", "y1", "x2", "y2"});
  const double to_picture = static_cast<double>(picture.width) / input.sizes[0].width;
  const auto in_picture = [to = static_cast<float>(to_picture)](const Box& b) { return Box{b.x1 * to, b.y1 * to, b.x2 * to, b.y2 * to}; };
  std::vector<Box> after, before;
  for (int64_t i = 0; i < std::min<int64_t>(proposals.size(0), 20); ++i) {
    const Box b = in_picture(row_of(proposals, i));
    after.push_back(b);
    if (i < 10) best.rows.push_back({i + 1, b.x1, b.y1, b.x2, b.y2});
  }
  const std::vector<Scored> scored = best_anchors(output, 20);
  for (const Scored& s : scored) before.push_back(in_picture(s.box));
  page.figure = captioned(
      on_picture(picture, {{"The 20 anchors of the highest score", colour::lost, before}, {"The 20 best proposals", colour::good, after}}),
      {fmt::format("The picture is {} × {} pixels. The anchors' scores are {} … {}; anchors that leave the picture are drawn whole.",
                   picture.width, picture.height, number(scored.front().score), number(scored.back().score)),
       "A proposal is an anchor that its deltas moved and stretched, cut to the picture; NMS has thinned them."});
  return page;
}

Page explain_gradients(const std::string& recipe_name, const std::vector<std::string>& assignments, const std::string& image,
                       Device device) {
  Recipe recipe = load_recipe(recipe_name, assignments);
  use_context_of(recipe, device);
  const std::shared_ptr<const Dataset> raw = open_dataset(recipe, Split::train);
  const Classes classes = classes_of(recipe, *raw);
  const std::shared_ptr<const Dataset> data = held(recipe, relabelled(raw, classes));
  const int64_t index = index_of(*data, image);
  Detector d = make_detector(recipe, classes);
  if (!recipe.train.init.empty()) init_weights(d);

  d.system->parameters().move_to(device);

  BatchOf<InputSample> loaded;
  loaded.samples.push_back({data->sample(index)});
  augment(loaded.samples[0], recipe.augment, static_cast<uint64_t>(recipe.seed), 0, static_cast<uint64_t>(index));
  const InputSample& sample = loaded.samples[0];
  const DeviceBatch batch = training_batch(loaded, recipe.preprocess, static_cast<uint64_t>(recipe.seed), needs_of(*d.system));
  const auto objects_of = [&sample](int label) {  // 0: of any class
    return std::ranges::count_if(sample.instances, [label](const Instance& i) { return !i.crowd && (label == 0 || i.label == label); });
  };
  check(objects_of(0) > 0, "explain: gradients: image ", sample.info.image_id, " has no objects");

  const Parameters& parameters = d.system->parameters();
  const size_t terms = d.system->losses(batch).size();
  std::vector<std::string> modules;
  std::map<std::string, std::vector<double>> squares;
  std::vector<std::string> columns = {"part of the network"};
  Table by_class{"The mask loss, by the class whose mask it is", {"class", "objects in the image", "‖gradient‖ of its mask's weights"}, {}};
  for (size_t k = 0; k < terms; ++k) {
    parameters.zero_gradients();
    const NamedLoss loss = d.system->losses(batch)[k];
    const OnDevice where(device);
    backward(loss.value);
    columns.push_back(fmt::format("{} ({})", loss.name, number(loss.value.value().at(0))));
    for (const Parameter& p : parameters.all()) {
      if (!p.trainable) continue;
      const std::string m = module_of(p.name);
      if (!squares.contains(m)) {
        modules.push_back(m);
        squares[m].assign(terms, 0);
      }
      const Tensor g = p.var.grad().to(Device{});
      for (const float v : g.values<float>()) squares[m][k] += static_cast<double>(v) * v;
      if (loss.name != "mask" || !p.name.ends_with("mask_fcn_logits.weight") || g.size(0) != static_cast<int64_t>(classes.size()) + 1)
        continue;
      for (int64_t c = 1; c < g.size(0); ++c) {
        double sum = 0;
        for (const float v : g.slice(c, c + 1).values<float>()) sum += static_cast<double>(v) * v;
        by_class.rows.push_back({classes.names[static_cast<size_t>(c - 1)], int64_t{objects_of(static_cast<int>(c))}, std::sqrt(sum)});
      }
    }
  }
  Page page;
  page.title = fmt::format("Where the gradients of one training image go: {}, image {}", recipe.name, sample.info.image_id);
  page.say("Each loss term sent back alone; the norms of the gradients that reach each part. (In brackets the term's value.)");
  Table& t = page.table("", columns);
  for (const std::string& m : modules) {
    std::vector<Cell> row = {m};
    for (const double s : squares[m]) row.emplace_back(std::sqrt(s));
    t.rows.push_back(std::move(row));
  }
  if (dynamic_cast<const RCNN*>(d.system.get()) != nullptr)
    page.say(
        "The RPN's terms reach the backbone and the RPN's head and no head behind it: proposals are constants to the second stage. The "
        "class and box terms pass by the mask head, and the mask's by the box head.");
  if (!by_class.rows.empty()) {
    page.parts.emplace_back(by_class);
    page.say("Only the masks of classes that are in the image receive a gradient: the ground truth's class selects the channel.");
  }
  return page;
}

}  // namespace mr::app
