#include "train/datasets.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/coco/coco_dataset.h"
#include "data/scenes/scene_dataset.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

// A Dataset that passes on what another holds.
class View : public Dataset {
 public:
  explicit View(std::shared_ptr<const Dataset> from) : from_(std::move(from)) {}
  int64_t size() const override { return from_->size(); }
  const std::vector<std::string>& class_names() const override { return from_->class_names(); }
  std::vector<int64_t> category_ids() const override { return from_->category_ids(); }
  ImageInfo info(int64_t i) const override { return from_->info(i); }
  std::vector<Instance> instances(int64_t i) const override { return from_->instances(i); }
  Sample sample(int64_t i) const override { return from_->sample(i); }

 protected:
  std::shared_ptr<const Dataset> from_;
};

class Relabelled final : public View {
 public:
  Relabelled(std::shared_ptr<const Dataset> from, Classes classes) : View(std::move(from)), classes_(std::move(classes)) {
    for (const std::string& name : from_->class_names()) labels_.push_back(classes_.label_of(name));
  }
  const std::vector<std::string>& class_names() const override { return classes_.names; }
  std::vector<int64_t> category_ids() const override { return classes_.ids; }
  std::vector<Instance> instances(int64_t i) const override { return changed(from_->instances(i)); }
  Sample sample(int64_t i) const override {
    Sample s = from_->sample(i);
    s.instances = changed(std::move(s.instances));
    return s;
  }
  bool any() const {
    return std::any_of(labels_.begin(), labels_.end(), [](int l) { return l > 0; });
  }

 private:
  std::vector<Instance> changed(std::vector<Instance> v) const {
    for (Instance& i : v) i.label = labels_.at(static_cast<size_t>(i.label - 1));
    v.erase(std::remove_if(v.begin(), v.end(), [](const Instance& i) { return i.label == 0; }), v.end());
    return v;
  }
  Classes classes_;
  std::vector<int> labels_;  // of the other's label l: labels_[l − 1]
};

class Subset final : public View {
 public:
  Subset(std::shared_ptr<const Dataset> from, int64_t count) : View(std::move(from)), count_(count) {}
  int64_t size() const override { return count_; }
  ImageInfo info(int64_t i) const override { return View::info(at(i)); }
  std::vector<Instance> instances(int64_t i) const override { return View::instances(at(i)); }
  Sample sample(int64_t i) const override { return View::sample(at(i)); }

 private:
  int64_t at(int64_t i) const { return i * from_->size() / count_; }
  int64_t count_;
};

std::string under(const std::string& root, const std::string& path) {
  return root.empty() || fs::path(path).is_absolute() ? path : (fs::path(root) / path).string();
}

}  // namespace

int Classes::label_of(const std::string& name) const {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() || name.empty() ? 0 : static_cast<int>(at - names.begin()) + 1;
}

bool has_split(const Recipe& r, Split split) {
  if (split == Split::train) return true;
  return r.data.kind == DataKind::scenes ? r.data.val_scenes > 0 : !r.data.val_annotations.empty();
}

std::shared_ptr<const Dataset> open_coco(const Recipe& recipe, const std::string& annotations, const std::string& images, bool keep_empty) {
  CocoOptions options;
  options.keep_empty = keep_empty;
  options.masks = recipe.model.mask.enabled;
  return std::make_shared<CocoDataset>(annotations, images, options);
}

std::shared_ptr<const Dataset> open_dataset(const Recipe& recipe, Split split) {
  const DataConfig& d = recipe.data;
  check(d.kind != DataKind::cityscapes, "data.kind: cityscapes folders cannot be read yet; write them as COCO annotations");
  if (d.kind == DataKind::scenes) {
    SceneOptions options = d.scenes;
    if (split == Split::val) {
      options.first += options.images;  // no overflow: validated by the recipe
      options.images = d.val_scenes;
    }
    return std::make_shared<SceneDataset>(options);
  }
  const bool train = split == Split::train;
  const std::string& stated = train ? d.train_annotations : d.val_annotations;
  const std::string annotations = under(d.root, stated);
  check(is_there(annotations), train ? "data.train_annotations: " : "data.val_annotations: ", annotations, ": there is no such file",
        fs::path(stated).is_absolute() ? "" : "; --set data.root=DIR names the folder that this and the other paths start from");
  return open_coco(recipe, annotations, under(d.root, train ? d.train_images : d.val_images), !train || !d.drop_empty);
}

void check_image_files(const Dataset& dataset, const std::string& key) {
  constexpr int64_t most_named = 3;
  int64_t missing = 0;
  std::string names;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const std::string file = dataset.info(i).file;
    try {
      if (file.empty() || is_there(file)) continue;
    } catch (const FileError& e) {
      fail(key, ": ", e.what());  // a closed folder: not missing
    }
    if (++missing <= most_named) names += (names.empty() ? "" : ", ") + file;
  }
  check(missing == 0, key, ": ", missing, " of ", dataset.size(), " image files are missing: ", names, missing > most_named ? ", …" : "");
}

Classes classes_of(const Recipe& recipe, const Dataset& dataset) {
  Recipe r = recipe;
  const std::vector<std::string>& names = dataset.class_names();
  const std::vector<int64_t> ids = dataset.category_ids();
  if (r.data.classes.empty()) {
    r.data.classes = names;
    r.data.category_ids = ids;
  }
  if (r.data.category_ids.empty()) {
    for (const std::string& name : r.data.classes) {
      const auto at = std::find(names.begin(), names.end(), name);
      check(at != names.end(), "data.classes: the annotations have no class ", name, hint(name, names));
      r.data.category_ids.push_back(ids[static_cast<size_t>(at - names.begin())]);
    }
  }
  return classes_of(r);
}

Classes classes_of(const Recipe& recipe) {
  const DataConfig& d = recipe.data;
  check(d.classes.size() == d.category_ids.size(), "data.category_ids: ", d.category_ids.size(), " ids for ", d.classes.size(), " classes");
  check_distinct_ids({d.classes, d.category_ids}, "data.category_ids");
  if (d.labels == Labels::contiguous) return {d.classes, d.category_ids};
  Classes by_id;
  for (size_t i = 0; i < d.classes.size(); ++i) {
    const int64_t id = d.category_ids[i];
    check(id >= 1 && id <= 100000, "data.labels: category_id needs ids from 1 to 100000, got ", id, " (", d.classes[i], ")");
    const auto size = static_cast<size_t>(std::max(id, by_id.size()));
    by_id.names.resize(size);
    by_id.ids.resize(size);
    by_id.names[static_cast<size_t>(id - 1)] = d.classes[i];
    by_id.ids[static_cast<size_t>(id - 1)] = id;
  }
  return by_id;
}

void check_distinct_ids(const Classes& classes, const std::string& where) {
  std::set<int64_t> seen;
  for (size_t i = 0; i < classes.names.size(); ++i)  // a label without a class shares its id of 0 with others
    check(classes.names[i].empty() || seen.insert(classes.ids[i]).second, where, ": expected a different id for each class, got ",
          classes.ids[i], " twice (", classes.names[i], ")");
}

std::shared_ptr<const Dataset> relabelled(std::shared_ptr<const Dataset> dataset, const Classes& classes) {
  if (dataset->class_names() == classes.names) return dataset;
  const auto view = std::make_shared<Relabelled>(std::move(dataset), classes);
  check(view->any(), "classes: the annotations have none of the model's classes (", classes.names.empty() ? "" : classes.names[0], ", …)");
  return view;
}

std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset, int64_t count) {
  if (count <= 0 || count >= dataset->size()) return dataset;
  return std::make_shared<Subset>(std::move(dataset), count);
}

}  // namespace mr
