#include "train/datasets.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/files.h"
#include "data/cityscapes/dataset.h"
#include "data/coco/coco_dataset.h"
#include "data/coco/image_check.h"
#include "data/coco/image_names.h"
#include "data/dataset_tools/stats.h"
#include "data/folders/folder_dataset.h"
#include "data/scenes/scene_dataset.h"
#include "data/view.h"
#include "models/systems/make.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

class Relabelled final : public View {
 public:
  Relabelled(std::shared_ptr<const Dataset> from, Classes classes)
      : View(std::move(from)), classes_(std::move(classes)), labels_(from_->class_names().size()) {
    const std::vector<int> match = match_classes(classes_, classes_of(*from_), "data.classes");
    for (size_t k = 0; k < match.size(); ++k)
      if (match[k] > 0) labels_[static_cast<size_t>(match[k]) - 1] = static_cast<int>(k) + 1;
    check(std::any_of(match.begin(), match.end(), [](int l) { return l > 0; }),
          "classes: the annotations have none of the model's classes (", classes_.names.empty() ? "" : classes_.names[0], ", …); ",
          describe_mismatch(classes_, classes_of(*from_), match));
  }
  const std::vector<std::string>& class_names() const override { return classes_.names; }
  std::vector<int64_t> category_ids() const override { return classes_.ids; }
  std::vector<Instance> instances(int64_t i) const override { return changed(from_->instances(i)); }
  std::vector<CocoObject> truth(int64_t i, bool masks) const override { return changed(from_->truth(i, masks)); }
  Sample sample(int64_t i) const override {
    Sample s = from_->sample(i);
    s.instances = changed(std::move(s.instances));
    return s;
  }
  std::vector<ObjectCount> object_counts() const override {
    const std::vector<ObjectCount> theirs = from_->object_counts();
    if (theirs.empty()) return {};
    std::vector<ObjectCount> counts(classes_.names.size());
    for (size_t k = 0; k < theirs.size(); ++k)
      if (labels_[k] > 0) counts[static_cast<size_t>(labels_[k]) - 1] = theirs[k];
    return counts;
  }

 private:
  template <class Object> std::vector<Object> changed(std::vector<Object> v) const {
    for (Object& o : v) o.label = labels_.at(static_cast<size_t>(o.label - 1));
    std::erase_if(v, [](const Object& o) { return o.label == 0; });
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
  std::vector<CocoObject> truth(int64_t i, bool masks) const override { return View::truth(at(i), masks); }
  std::vector<uint16_t> instance_ids(int64_t i) const override { return View::instance_ids(at(i)); }
  std::vector<ProposedBox> proposals(int64_t i) const override { return View::proposals(at(i)); }
  std::vector<ObjectCount> object_counts() const override { return {}; }

 private:
  int64_t at(int64_t i) const { return i * from_->size() / count_; }
  int64_t count_;
};

// "." is the root itself.
std::string under(const std::string& root, const std::string& path) {
  if (path == "." && !root.empty()) return root;
  return root.empty() || fs::path(path).is_absolute() ? path : (fs::path(root) / path).string();
}

// The images to evaluate on are some of the training file's.
bool sets_apart(const DataConfig& d) { return d.kind == DataKind::coco && d.val_annotations.empty() && d.val_share > 0; }

std::string root_hint(const std::string& stated) {
  return fs::path(stated).is_absolute() ? "" : "; --set data.root=DIR names the folder that this and the other paths start from";
}

std::shared_ptr<const Dataset> open_folders(const Recipe& r, Split split) {
  const std::string folder = image_folder(r, split);
  check(is_there(folder), image_key(r, split), ": ", folder,
        ": there is no such folder; expected one with a folder of pictures for each class",
        root_hint(split == Split::train ? r.data.train_images : r.data.val_images));
  return std::make_shared<FolderDataset>(folder, r.data.classes);
}

}  // namespace

std::string path_of(const Recipe& r, const std::string& path) { return under(r.data.root, path); }

bool has_split(const Recipe& r, Split split) {
  if (split == Split::train) return true;
  switch (r.data.kind) {
    case DataKind::scenes:
      return r.data.val_scenes > 0;
    case DataKind::cityscapes:
      return !r.data.cityscapes.val.empty();
    case DataKind::folders:
      return !r.data.val_images.empty();
    case DataKind::coco:
      break;
  }
  return !r.data.val_annotations.empty() || sets_apart(r.data);
}

std::shared_ptr<const Dataset> open_coco(const Recipe& recipe, const std::string& annotations, const std::string& images, bool keep_empty,
                                         const std::optional<CocoPart>& part, std::optional<bool> masks) {
  CocoOptions options;
  options.part = part;
  options.keep_empty = keep_empty;
  options.masks = masks ? *masks : traits_of(recipe.model).masks;
  options.faulty = recipe.data.faulty;
  return std::make_shared<CocoDataset>(annotations, images, options);
}

std::shared_ptr<const Dataset> open_dataset(const Recipe& recipe, Split split, std::optional<bool> masks) {
  const DataConfig& d = recipe.data;
  if (d.kind == DataKind::scenes) {
    SceneOptions options = d.scenes;
    if (split == Split::val) {
      options.first += options.images;  // no overflow: validated by the recipe
      options.images = d.val_scenes;
    }
    return std::make_shared<SceneDataset>(options);
  }
  if (d.kind == DataKind::folders) return open_folders(recipe, split);
  const bool train = split == Split::train, apart = sets_apart(d);
  if (d.kind == DataKind::cityscapes) {
    check(!d.root.empty(), "data.root: expected the folder of Cityscapes, with leftImg8bit and gtFine in it (--set data.root=DIR)");
    return open_cityscapes(recipe, d.root, train ? d.cityscapes.train : d.cityscapes.val, !train || !d.drop_empty);
  }
  const std::string annotations = annotation_file(recipe, split);
  const std::optional<CocoPart> part =
      apart ? std::optional(CocoPart{d.val_share, static_cast<uint64_t>(d.val_seed), !train}) : std::nullopt;
  return open_coco(recipe, annotations, image_folder(recipe, split), !train || !d.drop_empty, part, masks);
}

std::string training_annotations(const Recipe& r) {
  return r.data.kind == DataKind::coco ? under(r.data.root, r.data.train_annotations) : std::string();
}

std::string annotation_file(const Recipe& recipe, Split split) {
  const DataConfig& d = recipe.data;
  const bool of_training = split == Split::train || sets_apart(d);
  const std::string& stated = of_training ? d.train_annotations : d.val_annotations;
  const std::string annotations = under(d.root, stated);
  check(is_there(annotations), of_training ? "data.train_annotations: " : "data.val_annotations: ", annotations, ": there is no such file",
        root_hint(stated));
  return annotations;
}

std::shared_ptr<const Dataset> open_cityscapes(const Recipe& recipe, const std::string& root, const std::vector<std::string>& splits,
                                               bool keep_empty) {
  const CityscapesConfig& c = recipe.data.cityscapes;
  return std::make_shared<CityscapesDataset>(root, CityscapesOptions{splits, c.coarse, c.instances, c.min_pixels, keep_empty});
}

const char* object_key(const Recipe& r) { return r.data.kind == DataKind::folders ? image_key(r, Split::train) : "data.train_annotations"; }

const char* image_key(const Recipe& r, Split split) {
  if (r.data.kind == DataKind::cityscapes) return "data.root";
  return split == Split::train ? "data.train_images" : "data.val_images";
}

std::string image_folder(const Recipe& r, Split split) {
  if (r.data.kind == DataKind::cityscapes) return r.data.root;
  return under(r.data.root, split == Split::train || sets_apart(r.data) ? r.data.train_images : r.data.val_images);
}

std::vector<std::string> check_image_files(const Dataset& dataset, const std::string& key, const std::string& folder,
                                           const DataConfig& data) {
  ImageCheck found;
  try {
    found = check_images(dataset, data.check_seconds);
  } catch (const FileError& e) {
    fail(key, ": ", e.what());  // a closed folder: not missing
  }
  if (found.missing.count > 0) {
    const std::string& first = found.missing.first.front();
    const std::string hint = first.starts_with(folder + "/") ? missing_image_hint(folder, first.substr(folder.size() + 1)) : "";
    fail(key, ": ", found.missing.count, " of ", found.images, " image files are missing: ", found.missing.text(", "),
         hint.empty() ? "" : "; " + hint);
  }
  std::vector<std::string> notes;
  if (found.faulty.count > 0) {
    const std::string what =
        str(key, ": ", found.faulty.count, " of ", found.looked_at, " image files cannot be used: ", found.faulty.text("; "));
    check(data.corrupt_images == CorruptImages::skip, what, "; data.corrupt_images = \"skip\" goes on without them");
    notes.push_back(what + "; they are left out (data.corrupt_images = \"skip\")");
  }
  if (found.looked_at < found.images && data.check_seconds > 0)
    notes.push_back(str(key, ": the headers of ", found.looked_at, " of ", found.images, " images were read in ", data.check_seconds,
                        " s (data.check_seconds); what is wrong with another is told when its turn comes"));
  return notes;
}

std::vector<std::string> check_objects(const Dataset& dataset, const std::string& key) {
  const std::vector<ObjectCount> counts = dataset.object_counts();
  if (counts.empty()) return {};
  std::string without;
  for (size_t k = 0; k < counts.size(); ++k) {
    const std::string& name = dataset.class_names()[k];
    if (counts[k].objects == 0 && !name.empty()) without += str(without.empty() ? "" : ", ", name, " (id ", dataset.category_ids()[k], ")");
  }
  std::string faulty;
  for (const std::string& note : dataset.notes()) faulty += "; " + note;
  const std::string none = nothing_to_learn(counts);
  check(none.empty(), key, ": holds no object to learn from: ", none, faulty);
  if (without.empty()) return {};
  return {str(key, ": classes without an example, which cannot be learnt: ", without)};
}

std::shared_ptr<const Dataset> relabelled(std::shared_ptr<const Dataset> dataset, const Classes& classes) {
  if (classes_of(*dataset) == classes) return dataset;
  return std::make_shared<Relabelled>(std::move(dataset), classes);
}

std::shared_ptr<const HeldPictures> held(const Recipe& recipe, std::shared_ptr<const Dataset> dataset,
                                         std::shared_ptr<PictureCache> cache) {
  return std::make_shared<HeldPictures>(std::move(dataset), recipe.data.reduce, std::move(cache));
}

std::shared_ptr<PictureCache> open_cache(const Recipe& recipe) {
  const DataConfig& d = recipe.data;
  return d.cache.empty() ? nullptr : std::make_shared<PictureCache>(under(d.root, d.cache));
}

std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset, int64_t count) {
  if (count <= 0 || count >= dataset->size()) return dataset;
  return std::make_shared<Subset>(std::move(dataset), count);
}

}  // namespace mr
