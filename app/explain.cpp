#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/explain/explain.h"
#include "app/options.h"
#include "base/files.h"
#include "base/text.h"
#include "data/image/image.h"
#include "train/config.h"

namespace mr::app {
namespace {

struct Arguments {
  std::string topic, image, figure, weights, recipe = "scenes_small", reduce, device;
  std::vector<std::string> assignments;
  std::vector<double> box;
  int stride = 16, size = 7, samples = 2;
  double threshold = 0.5;
  bool unaligned = false, gradient = false, compare = false, json = false, overwrite = false;
};

struct Topic {
  const char* name;
  const char* about;
  std::function<Page(const Arguments&)> page;
  std::vector<std::string> takes = {};  // options, besides --figure and --json
};

constexpr Box example_box{40, 30, 330, 260};  // of the RoI operators, where --box gives none

Box box_of(const Arguments& a) {
  check_usage(a.box.size() == 4, "explain: --box: expected four numbers x0,y0,x1,y1, in pixels, got ", a.box.size());
  for (const double v : a.box) check_usage(std::abs(v) <= 1e5, "explain: --box: corners must be within 100000 pixels, got ", v);
  check_usage(a.box[0] <= a.box[2] && a.box[1] <= a.box[3], "explain: --box x0,y0,x1,y1: expected x0 <= x1 and y0 <= y1, got ", a.box[0],
              ",", a.box[1], ",", a.box[2], ",", a.box[3]);
  return {static_cast<float>(a.box[0]), static_cast<float>(a.box[1]), static_cast<float>(a.box[2]), static_cast<float>(a.box[3])};
}

RoIQuestion question_of(const Arguments& a) {
  RoIQuestion q;
  check_usage(a.stride >= 1 && a.stride <= 1024, "explain: --stride must be 1 … 1024 pixels, got ", a.stride);
  check_usage(a.size >= 1 && a.size <= 64, "explain: --size must be 1 … 64 bins, got ", a.size);
  check_usage(a.samples >= 0 && a.samples <= 16, "explain: --samples must be 0 (one a cell) … 16, got ", a.samples);
  check_usage(a.size * a.samples <= 256, "explain: --size times --samples must be at most 256, got ", a.size, " times ", a.samples);
  q.request = {a.box.empty() ? example_box : box_of(a), a.stride, a.size, a.samples, !a.unaligned, {}};
  if (!a.reduce.empty()) q.request.reduce = a.reduce == "max" ? Reduce::max : Reduce::mean;
  if (!a.image.empty()) q.picture = read_image(a.image);
  q.gradient = a.gradient;
  q.device = device_of(a.device);
  return q;
}

// The options that an operator looks at; of all of them side by side, those that any does.
std::vector<std::string> roi_options(RoIKind kind, bool compare) {
  std::vector<std::string> takes = {"--box", "--stride", "--size", "--image", "--compare", "--device"};
  if (!compare) takes.emplace_back("--gradient");
  const bool pool = kind == RoIKind::pool || kind == RoIKind::pool_disjoint || kind == RoIKind::pool_truncated;
  if (compare || kind == RoIKind::align || kind == RoIKind::warp) takes.emplace_back("--samples");
  if (compare || kind == RoIKind::align || kind == RoIKind::precise) takes.emplace_back("--unaligned");
  if (compare || (!pool && kind != RoIKind::precise)) takes.emplace_back("--reduce");
  return takes;
}

Page roi_page(RoIKind kind, const Arguments& a) {
  Page page = a.compare ? compare_rois(question_of(a)) : explain_roi(kind, question_of(a));
  if (a.box.empty()) page.parts.emplace_front(std::string("An example's box, 40,30,330,260 in pixels; --box x0,y0,x1,y1 takes yours."));
  return page;
}

const std::vector<Topic>& topics() {
  static const std::vector<Topic> all = [] {
    std::vector<Topic> t = {
        {"dog", "the dog that most texts on RoIAlign begin with: 800 pixels, stride 32, a box of 665",
         [](const Arguments&) { return explain_dog(); }},
        {"roi-pool-8x8", "the 8 × 8 map that most texts on RoIPool draw, under every operator",
         [](const Arguments&) { return explain_roi_pool_8x8(); }},
        {"roi-align-grid", "RoIAlign's grid: box, bins, samples, and the four neighbours of a sample",
         [](const Arguments&) { return explain_roi_align_grid(); }},
        {"bilinear", "bilinear interpolation at one point, and its gradient", [](const Arguments&) { return explain_bilinear(); }},
        {"deconv", "transposed convolution as the adjoint of convolution", [](const Arguments&) { return explain_deconv(); }},
        {"mask-loss", "sigmoid against softmax: which class's mask a RoI trains", [](const Arguments&) { return explain_mask_loss(); }},
        {"conv", "convolution: a window over a map, and its two gradients", [](const Arguments&) { return explain_conv(); }},
        {"norm", "batch, group and frozen norm: which values share a mean", [](const Arguments&) { return explain_norm(); }},
        {"pool", "max and average pooling, and who gets the gradient", [](const Arguments&) { return explain_pool(); }},
        {"upsample", "FPN's top-down sum", [](const Arguments&) { return explain_upsample(); }},
        {"linear", "a fully connected layer: a matrix product, and the two of its way back",
         [](const Arguments&) { return explain_linear(); }},
        {"elementwise", "add, ReLU, sigmoid, cast, gather: values and gradients", [](const Arguments&) { return explain_elementwise(); }},
        {"anchors", "the anchors of a level, and how many an image has", [](const Arguments&) { return explain_anchors(); }},
        {"matching", "which anchors are positive, negative, not used, promoted", [](const Arguments&) { return explain_matching(); }},
        {"box-coder",
         "[--box]: a box as four deltas of an anchor, and back",
         [](const Arguments& a) { return explain_box_coder(a.box.empty() ? std::nullopt : std::optional(box_of(a))); },
         {"--box"}},
        {"nms",
         "[--threshold]: which box takes which others with it",
         [](const Arguments& a) { return explain_nms(a.threshold); },
         {"--threshold"}},
        {"mask-target", "an object's mask in its RoI's grid", [](const Arguments&) { return explain_mask_target(); }},
        {"mask-paste", "a predicted mask back in the image", [](const Arguments&) { return explain_mask_paste(); }},
        {"keypoints", "a point as one of 56 × 56 cells, its loss, and back", [](const Arguments&) { return explain_keypoints(); }},
        {"losses", "every loss and its gradient as a curve", [](const Arguments&) { return explain_losses(); }},
        {"rpn",
         "--weights FILE --image FILE: anchors, scores, NMS, proposals",
         [](const Arguments& a) { return explain_rpn(a.weights, a.image); },
         {"--weights", "--image"}},
        {"gradients",
         "--recipe R --image FILE: which loss sends how much gradient where",
         [](const Arguments& a) { return explain_gradients(a.recipe, a.assignments, a.image, device_of(a.device)); },
         {"--recipe", "--set", "--image", "--device"}},
    };
    for (const RoIName& n : roi_names())
      t.push_back({n.name, n.title, [kind = n.kind](const Arguments& a) { return roi_page(kind, a); }, roi_options(n.kind, false)});
    return t;
  }();
  return all;
}

// RoIAlign, roi-align and ROI_ALIGN are one name.
std::string without_style(const std::string& name) {
  std::string plain = lower_case(name);
  std::erase_if(plain, [](char c) { return c == '-' || c == '_' || c == ' '; });
  return plain;
}

const Topic& topic_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Topic& t : topics()) {
    if (without_style(name) == without_style(t.name)) return t;
    names.emplace_back(t.name);
  }
  throw UsageError("explain: there is no topic " + name + hint(name, names) + " (--help lists them)");
}

// An option that the topic does not look at would be a question left unanswered.
void check_options(const CLI::App& command, const Topic& topic, bool compare) {
  const auto has = [](const std::vector<std::string>& all, const std::string& name) {
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  const bool side_by_side = compare && has(topic.takes, "--compare");
  const std::vector<std::string> takes = side_by_side ? roi_options({}, true) : topic.takes;
  for (const CLI::Option* o : command.get_options()) {
    const std::string name = o->get_name();
    if (o->count() == 0 || o->get_positional() || name == "--figure" || name == "--overwrite" || name == "--json") continue;
    check_usage(has(takes, name), "explain: ", topic.name, side_by_side ? " --compare" : "", ": does not use ", name);
  }
}

std::string topic_list() {
  std::string s = "Topics:\n";
  for (const Topic& t : topics())
    s += "  " + std::string(t.name) + std::string(std::max<size_t>(20 - std::min<size_t>(std::string(t.name).size(), 19), 1), ' ') +
         t.about + "\n";
  return s;
}

}  // namespace

void add_explain(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("explain", "Replays an operator step by step on numbers, and draws it");
  c->footer(topic_list() +
            "\n  mrcnn explain dog --figure dog.svg\n  mrcnn explain roi_align --box 40,30,330,260 --stride 32 --image photo.jpg "
            "--compare --figure all.svg\n");
  c->add_option("TOPIC", a->topic, "one of the topics below; without one, they are listed");
  c->add_option("--box", a->box, "x0,y0,x1,y1 in pixels (RoI operators, box-coder); default: an example's")
      ->delimiter(',')
      ->allow_extra_args(false);
  c->add_option("--stride", a->stride, "pixels a cell of the map, up to 1024")->capture_default_str();
  c->add_option("--size", a->size, "bins along each axis, up to 64")->capture_default_str();
  c->add_option("--samples", a->samples, "samples along each axis of a bin, up to 16; 0: one a cell (roi_align)")->capture_default_str();
  c->add_option("--reduce", a->reduce, "what becomes of a bin's samples; default: the operator's own")
      ->check(CLI::IsMember({"mean", "max"}));
  c->add_flag("--unaligned", a->unaligned, "without the half-pixel shift, as torchvision's weights were trained");
  c->add_option("--image", a->image, "a picture that the map stands for");
  c->add_flag("--gradient", a->gradient, "which cells receive gradient, and how much");
  c->add_flag("--compare", a->compare, "every RoI operator on this box, side by side");
  c->add_option("--threshold", a->threshold, "nms: the IoU above which a box goes")->capture_default_str();
  c->add_option("--weights", a->weights, "rpn: a trained model");
  c->add_option("--recipe", a->recipe, "gradients: a shipped name or a TOML file")->capture_default_str();
  add_set(*c, a->assignments);
  add_device(*c, a->device);
  c->add_option("--figure", a->figure, "write the drawing to this file (.svg)");
  add_overwrite(*c, a->overwrite, "the file --figure");
  c->add_flag("--json", a->json, "the numbers instead of the text");
  c->callback([a, c] {
    if (a->topic.empty()) {
      std::cout << topic_list();
      return;
    }
    const Topic& topic = topic_of(a->topic);
    check_options(*c, topic, a->compare);
    check_usage(c->count("--figure") == 0 || a->figure.ends_with(".svg"), "explain: --figure: expected a name ending in .svg, got ",
                a->figure);
    if (!a->figure.empty()) check_writable(a->figure, a->overwrite);
    const Page page = topic.page(*a);
    if (!a->figure.empty()) {
      check(page.figure.has_value(), "explain: ", a->topic, " has no figure");
      write_text_file(a->figure, page.figure->str());
    }
    std::cout << (a->json ? to_json(page) : to_text(page));
    if (!a->figure.empty() && !a->json) std::cout << "\nDrawn: " << a->figure << "\n";
  });
}

}  // namespace mr::app
