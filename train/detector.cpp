#include "train/detector.h"

#include <algorithm>

#include "base/json_reader.h"
#include "base/json_text.h"
#include "data/transforms/objects.h"
#include "models/weights/load.h"
#include "models/weights/load_report.h"
#include "tensor/context.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "train/looks.h"
#include "train/pretrained.h"
#include "train/proposals.h"

namespace mr {
namespace {

// A list of the metadata: whole numbers or texts.
template <class T> std::vector<T> list_of(const WeightFile& file, const char* key) {
  const auto at = file.metadata.find(key);
  if (at == file.metadata.end()) return {};
  std::vector<T> values;
  JsonReader json(at->second, str(file.path, ": metadata ", key, ": expected a list in JSON"));
  json.array([&] {
    if constexpr (std::is_same_v<T, std::string>) {
      values.emplace_back(json.string());
    } else {
      const JsonNumber n = json.number();
      if (!n.is_integer) json.fail(str("expected a whole number, got ", n.text));
      values.push_back(n.integer);
    }
  });
  json.end();
  return values;
}

Recipe recipe_of(const WeightFile& file, const std::string& given, const std::vector<std::string>& assignments) {
  if (!given.empty()) return load_recipe(given, assignments);
  const auto at = file.metadata.find("recipe");
  check(at != file.metadata.end(), file.path, ": holds no recipe; name one, as in --recipe coco_r50_fpn_torchvision");
  return recipe_from_toml(at->second, file.path + " (recipe)", assignments);
}

// Whether the ids of the classes are told anew, for annotations that number them otherwise.
bool states_ids(const std::vector<std::string>& assignments) {
  return std::ranges::any_of(assignments, [](const std::string& a) { return a.starts_with("data.category_ids"); });
}

// A file of ours holds all of the model in its recipe, unless a program has put another network together.
void check_own_network(const WeightFile& file, const LoadReport& report) {
  check(report.missing.empty(), file.path, ": lacks ", some_names(report.missing), " of the model in its recipe",
        report.unused.empty() ? std::string() : str(", and holds ", some_names(report.unused)),
        "; a network of a program's own is loaded by that program (LoadDetectorOptions::make_system)");
}

}  // namespace

Classes stored_classes(const WeightFile& file) { return {list_of<std::string>(file, "classes"), list_of<int64_t>(file, "category_ids")}; }

Detector make_detector(const Recipe& recipe, const Classes& classes, const SystemMaker& make) {
  Detector d;
  d.recipe = recipe;
  d.classes = classes;
  if (d.recipe.model.classes == 0) d.recipe.model.classes = classes.size();
  check(d.recipe.model.classes == classes.size(), "model.classes: the recipe says ", d.recipe.model.classes, ", the data has ",
        classes.size(), " (0 takes the data's)");
  d.system = make(d.recipe.model, static_cast<uint64_t>(recipe.seed));
  return d;
}

Detector load_detector(const std::string& weights, const LoadDetectorOptions& options) {
  const WeightFile file = open_weights(weights);
  Recipe r = recipe_of(file, options.recipe, options.assignments);
  lower_score(r.model, options.score);
  Classes classes = stored_classes(file);
  if (classes.names.empty()) {
    check(!r.data.classes.empty() && !r.data.category_ids.empty(), weights,
          ": names no classes, and neither does the recipe (data.classes, data.category_ids)");
    classes = classes_of(r);
  }
  check(classes.names.size() == classes.ids.size(), weights, ": metadata: ", classes.names.size(), " classes, ", classes.ids.size(),
        " category ids");
  if (states_ids(options.assignments)) {
    check(r.data.category_ids.size() == classes.names.size(), "data.category_ids: expected an id for each of the ", classes.size(),
          " classes of ", weights, ", got ", r.data.category_ids.size());
    classes.ids = r.data.category_ids;
  }
  check_distinct_ids(classes, weights + ": metadata category_ids");
  Detector d = make_detector(r, classes, options.make_system);
  const LoadOptions load = load_options(d.system->traits(), options.renames);
  if (options.recipe.empty() && options.assignments.empty()) check_own_network(file, match_weights(d.system->parameters(), file, load));
  const LoadReport report = load_weights(d.system->parameters(), file, load);
  if (report.naming != Naming::torchvision || !report.notes.empty()) d.notes = summary(report);
  if (const std::string unlike = unlike_settings(file, report.naming, d.recipe); !unlike.empty())
    d.notes += (d.notes.empty() ? "" : "\n") + unlike;
  return d;
}

// Without what does not change the weights, so that runs with other numbers of workers give the same file, to the byte.
static Recipe recipe_to_keep(Recipe r) {
  const DataConfig plain;
  r.data.workers = plain.workers;
  r.data.prefetch = plain.prefetch;
  r.data.check_seconds = plain.check_seconds;
  r.checkpoint = {};
  r.train.log_every = TrainConfig{}.log_every;
  return r;
}

void save_detector(const Detector& d, const std::string& path) {
  save_weights(d.system->parameters(), path,
               {{"recipe", to_toml(recipe_to_keep(d.recipe), false)},
                {"classes", JsonWriter().list(d.classes.names).take()},
                {"category_ids", JsonWriter().list(d.classes.ids).take()}});
}

CroppedMask FoundObjects::mask(size_t i, const Box& box, PixelSize picture) const {
  const size_t cells = static_cast<size_t>(m) * static_cast<size_t>(m);
  return paste_mask(grids.data() + i * cells, m, box, picture.height, picture.width, rule);
}

Rle FoundObjects::rle(size_t i, PixelSize picture) const {
  const size_t cells = static_cast<size_t>(m) * static_cast<size_t>(m);
  return paste_rle(grids.data() + i * cells, m, objects[i].box, picture.height, picture.width, rule);
}

namespace {

// What the network finds in each image, in pixels of its input, whose size beside the image's tells the scale.
struct Seen {
  Detections found;
  PixelSize input;
};
std::vector<Seen> look_at(const Detector& d, std::span<const Image* const> images, std::span<const std::vector<ProposedBox>> given = {}) {
  const NoGrad guard;
  std::vector<Seen> seen;
  if (d.recipe.evaluation.looks.several()) {
    for (size_t n = 0; n < images.size(); ++n)
      seen.push_back(
          {look_several_times(d, *images[n], n < given.size() ? given[n] : std::span<const ProposedBox>()), size_of(*images[n])});
    return seen;
  }
  HostBatch batch = predicted_batch(images, d.recipe.preprocess, d.system->parameters().device());
  const int64_t most = d.system->traits().given.test;
  for (size_t n = 0; n < given.size() && most > 0; ++n)
    batch.proposals.push_back(boxes_of(given[n], most, size_of(*images[n]), batch.sizes[n]));
  batch.most_proposals = most;
  std::vector<Detections> found = predict(*d.system, batch);
  for (size_t n = 0; n < images.size(); ++n) seen.push_back({std::move(found.at(n)), batch.sizes[n]});
  return seen;
}

FoundObjects objects_of(const Detector& d, const Seen& seen, const Image& image, const Reduction& reduction) {
  const Detections& found = seen.found;
  const double sx = reduction.fx * image.width / seen.input.width, sy = reduction.fy * image.height / seen.input.height;
  FoundObjects out;
  out.rule = d.recipe.evaluation.paste;
  out.m = found.masks.defined() ? static_cast<int>(found.masks.size(1)) : 0;
  if (out.m > 0 && found.masks.numel() > 0) out.grids.assign(found.masks.data<float>(), found.masks.data<float>() + found.masks.numel());
  const auto place = [&](double v, double scale, double from, int size) {
    const double at = v * scale + from;
    return static_cast<float>(reduction.none() ? at : std::clamp(at, 0.0, static_cast<double>(size)));  // the last block may reach out
  };
  for (int64_t i = 0; i < found.boxes.size(0); ++i) {
    const float* b = found.boxes.data<float>() + 4 * i;
    const auto x = [&](float v) { return place(v, sx, reduction.x0, reduction.whole.width); };
    const auto y = [&](float v) { return place(v, sy, reduction.y0, reduction.whole.height); };
    out.objects.push_back({found.labels.data<int32_t>()[i], found.scores.data<float>()[i], {x(b[0]), y(b[1]), x(b[2]), y(b[3])}, {}});
  }
  return out;
}

}  // namespace

FoundObjects find_objects(const Detector& d, const Image& image, const Reduction& reduction) {
  const Image* one = &image;
  return objects_of(d, look_at(d, {&one, 1}).at(0), image, reduction);
}

std::vector<std::vector<Detection>> detect(const Detector& d, std::span<const Image* const> images,
                                           std::span<const std::vector<ProposedBox>> given) {
  const std::vector<Seen> seen = look_at(d, images, given);
  std::vector<std::vector<Detection>> all;
  for (size_t n = 0; n < images.size(); ++n) {
    FoundObjects found = objects_of(d, seen[n], *images[n], {});
    if (found.m > 0)
      parallel_for(static_cast<int64_t>(found.objects.size()), 4, [&](int64_t i) {
        Detection& o = found.objects[static_cast<size_t>(i)];
        o.mask = found.mask(static_cast<size_t>(i), o.box, {images[n]->height, images[n]->width});
      });
    all.push_back(std::move(found.objects));
  }
  return all;
}

std::vector<Detection> detect(const Detector& d, const Image& image) {
  const Image* one = &image;
  return std::move(detect(d, {&one, 1}).at(0));
}

// The input in f32, and the network's maps.
int64_t least_network_bytes(const Detector& d, PixelSize picture) {
  const PixelSize seen = predicted_size(picture.height, picture.width, d.recipe.preprocess);
  const double bytes = context().precision == DType::bf16 ? 2 : 4, pixels = static_cast<double>(seen.height) * seen.width;
  return static_cast<int64_t>(pixels * (3 * 4 + d.system->traits().values * bytes));
}

std::optional<std::string> use_context_of(Recipe& recipe, Device device) {
  if (recipe.train.threads > 0) context().threads = static_cast<int>(recipe.train.threads);
  const Precision wanted = recipe.train.precision;
  const bool on_gpu = device.type != DeviceType::cpu, bf16 = wanted == Precision::bf16, tf32 = wanted == Precision::tf32;
  const bool able = on_gpu || (bf16 ? isa() == Isa::v4 : !tf32);
  context().precision = bf16 && able ? DType::bf16 : DType::f32;
  context().tf32 = tf32 && able;
  if (able) return std::nullopt;
  return bf16 ? "train.precision: bf16 needs AVX-512, which this processor lacks; working in f32"
              : "train.precision: tf32 needs a GPU; working in f32";
}

}  // namespace mr
