#include "train/recipe_new.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "data/coco/coco_dataset.h"
#include "models/systems/make.h"
#include "train/classes.h"
#include "train/datasets.h"
#include "train/fine_tuning.h"
#include "train/measured_data.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

std::string absolute(const std::string& path) {
  const std::string whole = fs::absolute(path).lexically_normal().string();
  return whole.size() > 1 && whole.ends_with('/') ? whole.substr(0, whole.size() - 1) : whole;
}

// The deepest folder above all of them; empty where that is the root of the file system.
std::string common_folder(const std::vector<fs::path>& folders) {
  fs::path common = folders.front();
  for (const fs::path& f : folders)
    while (std::mismatch(common.begin(), common.end(), f.begin(), f.end()).first != common.end()) common = common.parent_path();
  return common == common.root_path() ? std::string() : common.string();
}

class Maker {
 public:
  explicit Maker(const NewRecipeOptions& options)
      : o_(options), data_(options.annotations, options.images, CocoOptions{.masks = options.masks}) {
    check(o_.val_annotations.empty() || !o_.val_share, "--val-share: the images to evaluate on are those of --val-annotations");
    notes_ = data_.notes();
    note(check_image_files(data_, "--images " + o_.images, o_.images, {}));
    if (!o_.val_annotations.empty())
      note(check_image_files(CocoDataset(o_.val_annotations, val_images(), CocoOptions{.masks = o_.masks}), "images of --val-annotations",
                             val_images(), {}));
    note(check_objects(data_, o_.annotations));
    m_ = measure(data_);
  }

  NewRecipe make() {
    std::optional<FineTuning> weights;
    if (!o_.init.empty()) {
      weights.emplace(o_.init, o_.rename);
    } else if (!o_.base.empty()) {
      const TrainConfig train = load_recipe(o_.base).train;
      if (!train.init.empty()) weights.emplace(train.init, train.rename);
    }
    choose_base(weights);
    choose_data();
    choose_evaluation();
    if (weights)
      for (Choice& c : weights->decide(r_, data_.class_names(), o_.masks)) choices_.push_back(std::move(c));
    set_masks(rcnn_of(r_.model, "recipe new"), o_.masks);
    if (!o_.masks) because({"model.mask.kind"}, "Boxes alone, as asked for.");
    if (!weights) choose_start();
    choose_steps(weights.has_value());
    choose_sizes(weights && weights->detector());
    choose_changes();
    choose_limits();
    choose_length();
    choices_ = each_setting_once(std::move(choices_));
    NewRecipe made;
    made.toml = recipe_text(r_, base_, heading(), choices_);
    const Recipe read = recipe_from_toml(made.toml, o_.name);  // what was measured can be read, and says what was meant
    for (const Difference& d : differences(visit_of(r_), visit_of(read)))
      fail("recipe new: ", d.key, " was to be ", d.before, ", and reads ", d.after);
    made.told = str(measured(), "; based on ", base_, "\n", choices_text(r_, choices_));
    for (const std::string& line : notes_) append(made.told, str("  note: ", printable_whole(line), "\n"));
    return made;
  }

 private:
  const std::string& val_images() const { return o_.val_images.empty() ? o_.images : o_.val_images; }
  void note(const std::vector<std::string>& more) { notes_.insert(notes_.end(), more.begin(), more.end()); }
  template <class... A> void because(std::vector<std::string> keys, const A&... why) { choices_.push_back({std::move(keys), str(why...)}); }
  std::string measured() const {
    return str(counted(m_.images(), "image"), ", ", counted(m_.objects(), "object"), " of ",
               counted(std::ssize(data_.class_names()), "class"));
  }

  void choose_base(const std::optional<FineTuning>& weights) {
    const bool large = m_.objects() >= 50000;
    base_ = !o_.base.empty() ? o_.base : weights ? weights->base() : large ? "coco_r50_fpn_torchvision" : "nuclei_small";
    const std::vector<ShippedRecipe>& shipped = shipped_recipes();
    if (std::ranges::none_of(shipped, [this](const ShippedRecipe& s) { return s.name == base_; }) && fs::exists(base_))
      base_ = absolute(base_);
    r_ = load_recipe(base_);
    check(!traits_of(r_.model).classifies, "--base: ", base_,
          ": is a recipe for a classifier, whose pictures lie in a folder for each class (mrcnn ",
          "recipe show prints it); recipe new makes detectors of annotated images, and a classifier's weights start them: --init FILE");
    r_.name = o_.name;
    r_.about = str(counted(m_.images(), "image"), " of ", printable(fs::path(o_.annotations).filename().string()),
                   weights ? str(", from ", weights->name()) : std::string());
    r_.notes = "Made by mrcnn recipe new. The comments say from which numbers.";
    // What a run wrote of itself is not a new one's.
    r_.train.recorded = false;
    r_.train.skip_mismatch = r_.train.match_classes = r_.train.force = false;
    r_.train.stop_at = r_.train.corrected_at = r_.train.corrected_from = 0;
    r_.schedule.shortened_at = r_.schedule.shortened_from = 0;
    if (!weights)
      because({"train.init"},
              large
                  ? std::string("50000 objects or more are enough for the full-size model from random weights, given days; --init WEIGHTS "
                                "starts from pretrained ones.")
                  : str(o_.base.empty() ? "A small model, trained from random weights" : "Trained from random weights",
                        "; --init WEIGHTS starts from pretrained ones, which is better for few images."));
  }

  // `path` below the root.
  std::string below(const std::string& root, const std::string& path) const {
    return root.empty() ? absolute(path) : fs::path(absolute(path)).lexically_relative(root).string();
  }

  void choose_data() {
    DataConfig& d = r_.data;
    d.kind = DataKind::coco;
    std::vector<fs::path> folders = {fs::path(absolute(o_.annotations)).parent_path(), absolute(o_.images)};
    if (!o_.val_annotations.empty())
      folders.insert(folders.end(), {fs::path(absolute(o_.val_annotations)).parent_path(), fs::path(absolute(val_images()))});
    d.root = common_folder(folders);
    d.train_annotations = below(d.root, o_.annotations);
    d.train_images = below(d.root, o_.images);
    because({"data.root", "data.train_annotations", "data.train_images"},
            d.root.empty() ? "Annotations and images have no folder in common, so the paths are whole."
                           : "All paths start from the root. On another machine: --set data.root=DIR.");
    d.classes = {};
    d.category_ids = {};
    d.labels = Labels::contiguous;
    r_.model.classes = 0;
    because({"data.classes", "data.category_ids", "data.labels", "model.classes"},
            "All classes of the annotations, by rising category id.");
  }

  void choose_evaluation() {
    constexpr int64_t enough = 20;
    DataConfig& d = r_.data;
    d.val_annotations.clear();
    d.val_images = d.train_images;
    d.val_share = 0;
    d.val_seed = 0;
    if (!o_.val_annotations.empty()) {
      d.val_annotations = below(d.root, o_.val_annotations);
      d.val_images = below(d.root, val_images());
      return because({"data.val_annotations", "data.val_images"}, "The images to evaluate on, as given.");
    }
    const std::vector<std::string> keys = {"data.val_annotations", "data.val_images", "data.val_share", "data.val_seed"};
    const double share = o_.val_share.value_or(m_.images() >= enough ? 0.1 : 0);
    if (share == 0)
      return because(keys,
                     o_.val_share ? std::string("No evaluation, as asked for.")
                                  : str(counted(m_.images(), "image"), m_.images() == 1 ? " is" : " are",
                                        " too few to set some apart, so nothing is evaluated. A share of them is with "
                                        "--val-share 0.2, or name others with --val-annotations."),
                     " best.safetensors are the last weights.");
    const SetApart apart = choose_apart(m_, share);
    d.val_share = share;
    d.val_seed = apart.seed;
    because(keys, apart.images, " of the ", m_.images(), " images, with ", counted(apart.objects, "object"),
            ", are set apart for evaluation, drawn by their ids; ", m_.images() - apart.images, " are learnt from.",
            apart.seed > 0 ? " The seed is the first that leaves every class an example to learn from." : "");
  }

  // Frozen norms, and stages that are not trained, are for pretrained weights.
  void choose_start() {
    ResNetConfig& b = resnet_of(r_.model, "recipe new");
    if (b.norm != NormKind::frozen && b.freeze == 0) return;
    if (b.norm == NormKind::frozen) b.norm = b.width % 32 == 0 ? NormKind::group : NormKind::batch;
    b.freeze = 0;
    because(
        {"model.backbone.norm", "model.backbone.freeze"}, base_,
        " keeps norms or first stages as pretrained weights have them. Without --init all start from random values, so all are trained, "
        "with norms of their own.");
  }

  void choose_steps(bool rate_told) {
    std::vector<std::string> keys = {"train.batch"};
    if (!rate_told) keys.insert(keys.end(), {"optimiser.lr", "schedule.for_batch"});
    const int64_t batch = images_per_step(r_), stated = r_.schedule.for_batch > 0 ? r_.schedule.for_batch : batch;
    const double lr = r_.optimiser.lr * static_cast<double>(batch) / static_cast<double>(stated);
    because(keys, "As the base has it: ", counted(batch, "image"), " a step, at a rate of ", rounded(lr),
            r_.schedule.for_batch > 0 ? ". Another batch scales the rate" : ". With another batch, set a rate for it, too",
            "; a smaller one takes less memory.");
  }

  // Of the median object: what was wanted, and whether it was reached.
  static std::string aim(double wanted, bool by_anchors, double seen, const char* bound) {
    const std::string what = by_anchors ? str("between the second and third anchor of the weights (", rounded(wanted), ")")
                                        : str("where ", rounded(wanted), " are wanted");
    return std::abs(seen - wanted) <= 0.1 * wanted ? what
                                                   : str(what, by_anchors ? " or as near to it as " : ", or as near as ", bound, " allows");
  }

  void choose_sizes(bool keep_anchors) {
    RPNConfig& rpn = rpn_of(r_.model, "recipe new");
    WantedSize wanted;
    if (keep_anchors) wanted.in_whole = wanted.in_crops = std::sqrt(rpn.anchor_sizes[1] * rpn.anchor_sizes[2]);
    const Sizing s = choose_sizing(m_, wanted);
    const double object = percentile(m_.sizes, 0.5);
    const std::string sides = fmt::format(
        "Images: shorter side {:.0f} to {:.0f} (median {:.0f}), longer side up to {:.0f} pixels. Objects: √(width·height) of 5%, 50%, 95% "
        "is below "
        "{:.0f}, {:.0f}, {:.0f} pixels. ",
        percentile(m_.short_sides, 0), percentile(m_.short_sides, 1), percentile(m_.short_sides, 0.5), percentile(m_.long_sides, 1),
        percentile(m_.sizes, 0.05), object, percentile(m_.sizes, 0.95));
    TransformOptions& t = r_.augment;
    if (s.crops) {
      r_.preprocess.min_side = 0;
      r_.preprocess.enlarge = s.scale;
      t.crop_size = s.side;
      t.scale_min = std::round(100 * s.scale * 2 / 3) / 100;
      t.scale_max = std::round(100 * s.scale * 4 / 3) / 100;
      because(
          {"preprocess.min_side", "preprocess.enlarge", "augment.crop_size", "augment.scale_min", "augment.scale_max"}, sides,
          fmt::format(
              "They are small against their images: training looks at crops of {} pixels, prediction at whole images enlarged by {:.2f}. "
              "The median object is then {:.0f} pixels, {}.",
              s.side, s.scale, object * s.scale, aim(wanted.in_crops, keep_anchors, object * s.scale, "enlarging by 1 to 2")));
    } else {
      r_.preprocess.min_side = s.side;
      r_.preprocess.max_side = t.max_side = 2 * s.side;
      t.crop_size = 0;
      t.min_sides = {s.side * 7 / 8 / 32 * 32, s.side, s.side * 9 / 8 / 32 * 32};
      because({"preprocess.min_side", "preprocess.max_side", "augment.crop_size", "augment.min_sides", "augment.max_side"}, sides,
              fmt::format(
                  "Whole images, the shorter side resized to {}: the median object is then {:.0f} pixels, {}.", s.side, object * s.scale,
                  aim(wanted.in_whole, keep_anchors, object * s.scale, "a shorter side of 256 to 800 pixels, enlarged by 2 at most,")));
    }
    const std::vector<std::string> anchors = {"model.proposals.anchor_sizes", "model.proposals.anchor_ratios"};
    if (keep_anchors) return because(anchors, "The anchors that the weights' RPN was trained with; others would undo what it learnt.");
    rpn.anchor_sizes = choose_anchor_sizes(m_, s.scale);
    rpn.anchor_ratios = choose_anchor_ratios(m_);
    because(
        anchors,
        fmt::format(
            "One size a level, spanning the middle of the objects' sizes as the network sees them (x {:.2f}). Height / width of 15%, 50%, "
            "85% of the objects is below {:.2f}, {:.2f}, {:.2f}; what is nearly equal is one.",
            s.scale, percentile(m_.ratios, 0.15), percentile(m_.ratios, 0.5), percentile(m_.ratios, 0.85)));
  }

  void choose_changes() {
    r_.augment.flip_horizontal = 0.5;
    r_.augment.rotate90 = false;
    r_.augment.invert = 0;
    because(
        {"augment.flip_horizontal", "augment.rotate90", "augment.invert"},
        "Left and right are exchanged in half of the samples: 0 where they differ in meaning. rotate90 is for images without up and down "
        "(microscopy, aerial images), invert for bright objects on dark that may be dark on bright.");
  }

  void choose_limits() {
    RPNConfig& rpn = rpn_of(r_.model, "recipe new");
    const double most = percentile(m_.per_image, 0.99);
    const int64_t found = std::max<int64_t>(100, std::llround(most * 1.5 / 50) * 50);
    rcnn_of(r_.model, "recipe new").box.detections = r_.evaluation.max_detections = found;
    rpn.post_nms_test = std::max(rpn.post_nms_test, 2 * found);
    rpn.pre_nms_test = std::max(rpn.pre_nms_test, rpn.post_nms_test);
    because(
        {"model.box.detections", "evaluation.max_detections", "model.proposals.pre_nms_test", "model.proposals.post_nms_test"},
        fmt::format("Images hold up to {:.0f} objects, 99% of them up to {:.0f}. As many as may be found count for AP (COCO's own figures "
                    "count 100). Proposals are at least twice as many.",
                    percentile(m_.per_image, 1), most));
  }

  void choose_length() {
    r_.train.iterations = 0;
    r_.train.epochs = 0;
    r_.train.budget = "1h";
    because({"train.budget"}, "Of the whole run; --set train.budget=8h, or train.epochs=30.");
  }

  std::string heading() const {
    std::map<std::string, int64_t> count;
    for (const std::vector<int>& labels : m_.labels)
      for (const int label : labels) ++count[data_.class_names()[static_cast<size_t>(label) - 1]];
    std::vector<std::pair<int64_t, std::string>> rows;
    for (const auto& [name, n] : count) rows.emplace_back(-n, name);
    std::sort(rows.begin(), rows.end());
    std::string text = str(printable_whole(o_.name), ": made by `mrcnn recipe new` from ", printable_whole(o_.annotations),
                           o_.init.empty() ? std::string() : str(" and ", printable_whole(o_.init)), "\n\n", measured(), ":\n");
    constexpr size_t most = 20;
    for (size_t i = 0; i < std::min(rows.size(), most); ++i)
      append(text, fmt::format("  {:>8}  {}\n", -rows[i].first, printable(rows[i].second)));
    if (rows.size() > most) append(text, fmt::format("  … and {} more classes\n", rows.size() - most));
    for (const std::string& line : notes_) append(text, str("Note: ", line, "\n"));
    return text;
  }

  const NewRecipeOptions& o_;
  CocoDataset data_;
  MeasuredData m_;
  Recipe r_;
  std::string base_;
  std::vector<std::string> notes_;
  std::vector<Choice> choices_;
};

}  // namespace

NewRecipe new_recipe(const NewRecipeOptions& options) { return Maker(options).make(); }

}  // namespace mr
