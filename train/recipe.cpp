#include "train/recipe.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/recognise.h"
#include "train/former_keys.h"
#include "train/length.h"
#include "train/pace.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

std::vector<Setting> settings_of(const std::string& name_or_file, const std::string& folder, int depth);

// The settings of a text, those of its base first.
std::vector<Setting> with_base(const std::string& toml, const std::string& origin, const std::string& folder, int depth) {
  check(depth < 8, origin, ": base: recipes are based on one another in a circle, or more than 8 deep");
  std::vector<Setting> own = parse_toml(toml, origin), all;
  for (auto s = own.begin(); s != own.end(); ++s) {
    if (s->key != "base") continue;
    const Scalar* value = std::get_if<Scalar>(&s->value);
    const std::string* base = value ? std::get_if<std::string>(value) : nullptr;
    check(base != nullptr, s->where, ": base: expects the name of a recipe or a file in quotes");
    all = settings_of(*base, folder, depth + 1);
    own.erase(s);
    break;
  }
  const int layer = all.empty() ? 0 : all.back().layer + 1;
  for (Setting& s : own) s.layer = layer;
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

// Of what is no TOML: an Error that says what it is, where that is annotations, and the command that goes on.
void name_annotations(const fs::path& path) {
  if (path.extension() == ".toml" && !fs::is_directory(path)) return;
  if (const std::string other = annotations_for_recipe(path.string()); !other.empty()) fail(path.string(), ": ", other);
}

std::vector<Setting> settings_of(const std::string& name_or_file, const std::string& folder, int depth) {
  std::vector<std::string> names;
  for (const ShippedRecipe& r : shipped_recipes()) {
    if (r.name == name_or_file) return with_base(r.toml, r.name + ".toml", "", depth);
    names.push_back(r.name);
  }
  fs::path path = name_or_file;
  if (path.is_relative() && !folder.empty()) path = fs::path(folder) / path;
  if (!is_there(path.string())) {
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "" : ", ") + n;
    fail("recipe: ", name_or_file, " is neither a file nor one of ", list, hint(name_or_file, names));
  }
  std::string text;
  try {
    text = read_text_file(path.string(), 1 << 20);
    parse_toml(text, path.string());
  } catch (const Error&) {
    name_annotations(path);
    throw;
  }
  return with_base(text, path.string(), path.parent_path().string(), depth);
}

// The last that was set up to a layer; null: none.
const Setting* last_of(const std::vector<Setting>& settings, const char* key, int layer) {
  const auto found = std::find_if(settings.rbegin(), settings.rend(), [&](const Setting& s) { return s.key == key && s.layer <= layer; });
  return found == settings.rend() ? nullptr : &*found;
}

// Says when the rate was set for an optimiser of another kind than the one that it is given to: Adam's rates are a tenth or a
// hundredth of SGD's.
void judge_rate(const Recipe& r, const std::vector<Setting>& settings, std::vector<std::string>& words) {
  if (settings.empty()) return;
  const auto is_sgd = [](const Setting* kind) {
    if (kind == nullptr) return true;
    const Scalar* one = std::get_if<Scalar>(&kind->value);
    const std::string* name = one != nullptr ? std::get_if<std::string>(one) : nullptr;
    return name != nullptr && *name == "sgd";
  };
  const int top = settings.back().layer;
  const Setting *kind = last_of(settings, "optimiser.kind", top), *rate = last_of(settings, "optimiser.lr", top);
  const int up_to = rate == nullptr ? -1 : rate->where == "--set" ? top : rate->layer;  // of several --set the order does not count
  if (is_sgd(kind) == is_sgd(last_of(settings, "optimiser.kind", up_to))) return;
  words.push_back(str("optimiser.lr = ", r.optimiser.lr, " (", rate != nullptr ? rate->where : "the default", ") was set for ",
                      is_sgd(kind) ? "adam: sgd usually wants 0.002 … 0.05" : "sgd: adam and adamw usually want 1e-4 … 1e-3",
                      " (--set optimiser.lr=…)"));
}

Recipe assemble(std::vector<Setting> settings, const std::vector<std::string>& assignments, std::vector<std::string>* words) {
  for (const std::string& a : assignments) {
    const int layer = settings.empty() ? 0 : settings.back().layer + 1;
    settings.push_back(parse_assignment(a));
    settings.back().layer = layer;
  }
  take_former_keys(settings, words);
  Recipe r;
  Places places;
  assign(visit_of(r), settings, &places);
  const std::vector<std::string> terms = names_of(loss_terms(r.model));  // a base may have weighted those of another model
  std::erase_if(r.losses.weights, [&](const auto& w) { return std::ranges::find(terms, w.first) == terms.end(); });
  validate(r, places);
  std::vector<std::string> said;
  if (words == nullptr) words = &said;
  decide_length(r, settings, *words);
  judge_rate(r, settings, *words);
  validate(r, places);
  return r;
}

}  // namespace

Recipe load_recipe(const std::string& name_or_file, const std::vector<std::string>& assignments, std::vector<std::string>* words) {
  return assemble(settings_of(name_or_file, "", 0), assignments, words);
}

Recipe recipe_from_toml(const std::string& toml, const std::string& origin, const std::vector<std::string>& assignments) {
  return assemble(with_base(toml, origin, "", 0), assignments, nullptr);
}

std::string to_toml(const Recipe& recipe, bool with_docs) { return to_toml(visit_of(recipe), with_docs); }

int64_t images_per_step(const Recipe& r) { return r.train.batch * r.train.accumulate; }

// ---- validation ----

namespace {

class Validator {
 public:
  explicit Validator(const Places& places) : places_(places) {}

  template <class... A> void require(bool ok, const char* key, const A&... what) const {
    if (ok) return;
    const auto at = places_.find(key);
    fail(at == places_.end() ? std::string() : at->second + ": ", key, ": ", what...);
  }
  void at_least(const char* key, int64_t v, int64_t least) const { require(v >= least, key, "must be ", least, " or more, got ", v); }
  void positive(const char* key, double v) const { require(v > 0 && std::isfinite(v), key, "must be above 0, got ", v); }
  void not_negative(const char* key, double v) const { require(v >= 0 && std::isfinite(v), key, "must be 0 or more, got ", v); }
  void share(const char* key, double v) const { require(v >= 0 && v <= 1, key, "must be from 0 to 1, got ", v); }
  void shares(const char* key, const std::vector<double>& v) const {
    for (const double s : v) share(key, s);
    require(std::is_sorted(v.begin(), v.end()), key, "must rise");
  }

 private:
  const Places& places_;
};

void validate_optimisation(const Recipe& r, const Validator& v) {
  v.positive("optimiser.lr", r.optimiser.lr);
  v.require(r.optimiser.momentum >= 0 && r.optimiser.momentum < 1, "optimiser.momentum", "must be from 0 to below 1, got ",
            r.optimiser.momentum);
  for (const auto& [key, beta] : {std::pair("optimiser.beta1", r.optimiser.beta1), std::pair("optimiser.beta2", r.optimiser.beta2)})
    v.require(beta >= 0 && beta < 1, key, "must be from 0 to below 1, got ", beta);
  v.require(static_cast<float>(r.optimiser.epsilon) > 0 && std::isfinite(r.optimiser.epsilon), "optimiser.epsilon",
            "must be above 0 in f32, got ", r.optimiser.epsilon);
  v.not_negative("optimiser.weight_decay", r.optimiser.weight_decay);
  v.positive("optimiser.bias_lr_factor", r.optimiser.bias_lr_factor);
  v.not_negative("optimiser.clip_norm", r.optimiser.clip_norm);
  v.at_least("schedule.warmup", r.schedule.warmup, 0);
  v.share("schedule.warmup_factor", r.schedule.warmup_factor);
  v.shares("schedule.milestones", r.schedule.milestones);
  v.positive("schedule.gamma", r.schedule.gamma);
  v.at_least("schedule.for_batch", r.schedule.for_batch, 0);
}

void validate_losses(const LossConfig& l, const Validator& v) {
  for (const auto& [term, w] : l.weights) v.require(w >= 0 && w <= 1e6, str("losses.", term).c_str(), "must be from 0 to 1000000, got ", w);
}

void validate_run(const Recipe& r, const Validator& v) {
  const TrainConfig& t = r.train;
  v.require(t.batch >= 1 && t.batch <= 4096, "train.batch", "must be from 1 to 4096, got ", t.batch);
  v.require(t.accumulate >= 1 && t.accumulate <= 4096, "train.accumulate", "must be from 1 to 4096, got ", t.accumulate);
  v.require(t.iterations >= 0 && t.iterations <= most_iterations, "train.iterations", "must be from 0 to ", most_iterations, ", got ",
            t.iterations);
  v.not_negative("train.epochs", t.epochs);
  v.at_least("train.stop_at", t.stop_at, 0);
  v.at_least("schedule.shortened_at", r.schedule.shortened_at, 0);
  v.at_least("schedule.shortened_from", r.schedule.shortened_from, r.schedule.shortened_at);
  v.at_least("train.corrected_at", t.corrected_at, 0);
  v.at_least("train.corrected_from", t.corrected_from, t.corrected_at);
  v.require(t.threads >= 0 && t.threads <= 1024, "train.threads", "must be from 0 to 1024, got ", t.threads);
  v.at_least("train.log_every", t.log_every, 1);
  if (!t.budget.empty()) {
    try {
      parse_duration(t.budget, "train.budget");
    } catch (const Error&) {
      v.require(false, "train.budget", "expects a time such as 90s, 30m or 1h30m, got \"", t.budget, "\"");
    }
    v.require(t.iterations > 0 || t.epochs > 0 || r.schedule.warmup >= 10, "schedule.warmup",
              "must be 10 or more under train.budget, which measures the steps of the warm-up, got ", r.schedule.warmup);
  }
  v.at_least("evaluation.every", r.evaluation.every, 0);
  v.not_negative("evaluation.every_minutes", r.evaluation.every_minutes);
  v.shares("evaluation.at", r.evaluation.at);
  v.at_least("evaluation.images", r.evaluation.images, 0);
  v.at_least("evaluation.batch", r.evaluation.batch, 0);
  for (const int64_t side : r.evaluation.looks.min_sides)
    v.require(side >= 1 && side <= 65536, "evaluation.looks.min_sides", "must be from 1 to 65536, got ", side);
  v.at_least("evaluation.looks.max_side", r.evaluation.looks.max_side, 1);
  v.at_least("evaluation.max_detections", r.evaluation.max_detections, 1);
  v.at_least("checkpoint.every", r.checkpoint.every, 0);
  v.not_negative("checkpoint.every_minutes", r.checkpoint.every_minutes);
  v.at_least("checkpoint.keep", r.checkpoint.keep, 2);
}

}  // namespace

double LossConfig::weight_of(const std::string& term) const {
  const auto found = weights.find(term);
  return found == weights.end() ? 1 : found->second;
}

void LossConfig::check_terms(const std::vector<std::string>& terms) const {
  std::string list;
  for (const std::string& t : terms) append(list, str(list.empty() ? "" : ", ", t));
  for (const auto& [term, w] : weights)
    check(w == 1 || std::ranges::find(terms, term) != terms.end(), "losses.", term, ": the model has no such term; its terms are ", list);
}

void validate(const Recipe& r, const Places& places) {
  const Validator v(places);
  validate_optimisation(r, v);
  validate_losses(r.losses, v);
  validate_run(r, v);
  r.preprocess.validate();
  r.augment.validate();
  v.require(r.data.workers >= 0 && r.data.workers <= 256, "data.workers", "must be from 0 to 256, got ", r.data.workers);
  v.require(r.data.prefetch >= 1 && r.data.prefetch <= 4096, "data.prefetch", "must be from 1 to 4096, got ", r.data.prefetch);
  v.require(r.data.reduce >= 1 && r.data.reduce <= 64, "data.reduce", "must be from 1 to 64, got ", r.data.reduce);
  v.not_negative("data.check_seconds", r.data.check_seconds);
  v.require(r.data.val_share >= 0 && r.data.val_share < 1, "data.val_share", "must be from 0 to below 1, got ", r.data.val_share);
  v.at_least("data.val_scenes", r.data.val_scenes, 0);
  v.at_least("data.scenes.images", r.data.scenes.images, 1);
  v.at_least("data.cityscapes.min_pixels", r.data.cityscapes.min_pixels, 0);
  r.data.scenes.validate();
  ModelConfig model = r.model;
  if (model.classes == 0) model.classes = 1;  // taken from the data later
  validate(model);
}

}  // namespace mr
