// YOLO segmentation: which text files, pictures and names belong together. What a text file holds: data/convert/yolo_text.cpp.
//
//   where                a data.yaml (data/convert/yolo_yaml.cpp), a folder that holds one, a folder of text files, or text files
//   pictures             …/images/x.jpg for …/labels/x.txt; else beside it, or in images/ or ../images/
//   names                those of data.yaml, or lines of classes.txt or obj.names in the text file's folder or one of the two above it
//   without a text file  a picture of data.yaml, or in a folder of pictures that has text files, holds no object; as an empty file says.
//                        A data.yaml none of whose pictures has one is an error
//   two subsets          a picture that is in both (train and val of one folder) goes to the files of both
//   test                 may be missing, as it is where exports leave it out
#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/lines.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

bool is_yaml(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

// Text files of a YOLO folder that hold no objects.
bool is_list(const fs::path& path) {
  static const std::set<std::string> lists = {"classes.txt",         "names.txt",         "train.txt",  "val.txt",
                                              "valid.txt",           "test.txt",          "README.txt", "requirements.txt",
                                              "README.roboflow.txt", "README.dataset.txt"};
  return lists.contains(path.filename().string());
}

std::string trimmed(std::string_view line) {
  const size_t from = line.find_first_not_of(" \t\r");
  return from == line.npos ? "" : std::string(line.substr(from, line.find_last_not_of(" \t\r") - from + 1));
}

std::vector<std::string> names_in(const std::string& file) {
  const std::string text = read_text_file(file);
  if (is_yaml(file)) return parse_yolo_yaml(text, file).names;
  std::vector<std::string> names;
  for_lines(text, [&](int64_t, std::string_view line) { names.push_back(trimmed(line)); });
  while (!names.empty() && names.back().empty()) names.pop_back();
  return names;
}

// `path` with the last folder of the one name in it replaced by the other; empty where it has none.
fs::path with_folder(const fs::path& path, const std::string& from, const std::string& to) {
  std::vector<fs::path> parts(path.begin(), path.end());
  for (size_t i = parts.size(); i-- > 1;) {
    if (parts[i - 1] != from) continue;
    parts[i - 1] = to;
    fs::path out;
    for (const fs::path& part : parts) out /= part;
    return out;
  }
  return {};
}

class YoloReader {
 public:
  YoloReader(const ConvertOptions& options, Faults& faults) : options_(options), faults_(faults), pictures_(options.images) {
    if (!options.class_names.empty()) {
      names_ = names_in(options.class_names);
      check(!names_.empty(), options.class_names, ": expected class names, one a line or as `names` of a data.yaml, got none");
    }
  }

  NamedData read() {
    for (const std::string& in : options_.in) {
      check(fs::exists(in), in, ": there is no such file or folder");
      if (is_yaml(in)) {
        description(in);
      } else if (!fs::is_directory(in)) {
        const std::vector<std::string> names = names_of(in);
        text_file(in, picture_of(in), names, "");
      } else if (const std::string yaml = yaml_in(in); !yaml.empty()) {
        description(yaml);
      } else {
        folder(in);
      }
    }
    data_.classes.assign(declared_.begin(), declared_.end());
    if (bare_.count() > 0)
      data_.notes.push_back(str(counted(bare_.count(), "picture"), bare_.count() == 1 ? " has" : " have",
                                " no text file, which in YOLO means that it holds no object: ", bare_.list()));
    for (const auto& [subsets, pictures] : shared_)
      if (options_.split == 0)
        data_.notes.push_back(
            str(pictures, " pictures are of ", subsets,
                " both, and go to both files: figures on pictures that were trained on say little about others; --split 0.8 parts them"));
    return std::move(data_);
  }

 private:
  std::string yaml_in(const std::string& folder) {
    std::vector<std::string> all;
    for (const std::string& file : files_in(folder, false, data_.notes))
      if (is_yaml(file)) all.push_back(file);
    if (all.size() == 1) return all[0];
    const auto usual = std::find_if(all.begin(), all.end(), [](const fs::path& p) { return p.stem() == "data"; });
    check(all.empty() || usual != all.end(), folder, ": expected one YAML file, got ", all.size(), "; name the one that is meant");
    return all.empty() ? "" : *usual;
  }

  // Names for a text file outside of a description, or for those of a folder.
  std::vector<std::string> names_of(const std::string& path) {
    if (!names_.empty()) return declare(names_);
    fs::path place = fs::absolute(path).lexically_normal();
    if (!fs::is_directory(place)) place = place.parent_path();
    for (int up = 0; up < 3; ++up, place = place.parent_path()) {
      for (const char* name : {"classes.txt", "obj.names", "names.txt", "data.yaml", "dataset.yaml"}) {
        const fs::path file = place / name;
        if (fs::is_regular_file(file))
          if (const std::vector<std::string> names = names_in(file.string()); !names.empty()) return declare(names);
      }
    }
    fail(path, ": the classes have no names: expected a classes.txt or data.yaml beside the text files, or --class-names FILE");
  }

  const std::vector<std::string>& declare(const std::vector<std::string>& names) {
    std::map<std::string_view, size_t> numbers;
    for (size_t k = 0; k < names.size(); ++k) {
      if (names[k].empty()) continue;
      declared_.insert(names[k]);
      const auto [first, fresh] = numbers.emplace(names[k], k);
      if (!fresh && said_.insert(names[k]).second)
        data_.notes.push_back(
            str("classes ", first->second, " and ", k, " are both called ", printable(names[k]), ", and are one class here"));
    }
    return names;
  }

  // ---- data.yaml ----

  void description(const std::string& yaml) {
    YoloDescription d = parse_yolo_yaml(read_text_file(yaml), yaml);
    if (!names_.empty()) d.names = names_;
    check(!d.names.empty(), yaml, ": names: is missing; expected the class names, or --class-names FILE");
    declare(d.names);
    std::erase_if(d.subsets, [](auto& subset) {
      std::erase(subset.second, "");
      return subset.second.empty();
    });
    check(!d.subsets.empty(), yaml, ": train: is missing; expected the folder of the pictures");
    int64_t pictures = 0, texts = 0;
    std::string looked;  // where the text file of a picture would lie
    for (const auto& [key, places] : d.subsets) {
      const std::string subset = d.subsets.size() > 1 ? key : "";
      for (const std::string& place : places)
        for (const std::string& picture : pictures_at(yaml, d.path, place, key)) {
          const std::string text = text_of(picture);
          if (pictures++ == 0) looked = str(text, " for ", picture);
          texts += fs::exists(text);
          if (!again(picture, subset)) text_file(text, picture, d.names, subset);
        }
    }
    check(pictures == 0 || texts > 0, yaml, ": none of the ", pictures, " pictures has a text file; looked for was ", looked,
          ", and so on: the last folder images of a path becomes labels, and without one the text file lies beside the picture");
  }

  // Whether the picture is there already, of another subset: then it is of this one, too.
  bool again(const std::string& picture, const std::string& subset) {
    const auto [at, fresh] = places_.try_emplace(fs::weakly_canonical(picture).string(), data_.images.size());
    if (fresh) return false;
    NamedImage& image = data_.images[at->second];
    if (image.subset == subset || std::find(image.also.begin(), image.also.end(), subset) != image.also.end()) return false;
    ++shared_[str(image.subset, " and ", subset)];
    image.also.push_back(subset);
    return true;
  }

  // A path of the description, from where it was written or from here.
  static std::optional<fs::path> resolve(const std::string& yaml, const std::string& root, const std::string& place) {
    const fs::path here = fs::path(yaml).parent_path();
    std::string below = place;
    while (below.starts_with("../") || below.starts_with("./")) below.erase(0, below.find('/') + 1);
    for (const fs::path& path : {fs::path(root) / place, here / root / place, here / place, here / below})
      if (fs::exists(path)) return path.lexically_normal();
    return {};
  }

  std::vector<std::string> pictures_at(const std::string& yaml, const std::string& root, const std::string& place, const std::string& key) {
    const auto path = resolve(yaml, root, place);
    if (!path && key == "test") {
      data_.notes.push_back(str(yaml, ": test: there is no ", place, ", so that there is no such subset"));
      return {};
    }
    check(path.has_value(), yaml, ": ", key, ": there is no ", place, ", neither from ", root.empty() ? "here" : root,
          " nor from the file's folder");
    std::vector<std::string> all;
    if (fs::is_directory(*path)) {
      all = files_in(path->string(), true, data_.notes);
      std::erase_if(all, [](const std::string& file) { return !is_picture(file); });
      check(!all.empty(), yaml, ": ", key, ": ", path->string(), ": expected a folder with pictures, got one without");
      return all;
    }
    for_lines(read_text_file(path->string()), [&](int64_t number, std::string_view line) {
      const std::string name = trimmed(line);
      if (name.empty()) return;
      const std::string picture = pictures_.find(path->string(), name);
      const auto found = picture.empty() ? resolve(yaml, root, name) : fs::path(picture);
      check(found.has_value(), path->string(), ": line ", number, ": there is no picture ", name);
      all.push_back(found->string());
    });
    return all;
  }

  static std::string text_of(const fs::path& picture) {
    fs::path text = with_folder(picture, "images", "labels");
    if (text.empty()) text = picture;
    return text.replace_extension(".txt").string();
  }

  // ---- text files ----

  void folder(const std::string& in) {
    std::vector<std::string> texts = files_of({in}, ".txt", data_.notes);
    std::erase_if(texts, [](const std::string& file) { return is_list(file); });
    check(!texts.empty(), in, ": expected a folder with a text file an image, got one without");
    const std::vector<std::string> names = names_of(in);
    std::set<std::string> used, folders;
    for (const std::string& text : texts) {
      const std::string picture = picture_of(text);
      text_file(text, picture, names, "");
      if (picture.empty()) continue;
      used.insert(picture);
      folders.insert(fs::path(picture).parent_path().string());
    }
    for (const std::string& place : folders)
      for (const std::string& picture : files_in(place, false, data_.notes))
        if (is_picture(picture) && !used.contains(fs::path(picture).lexically_normal().string())) text_file("", picture, names, "");
  }

  std::string picture_of(const std::string& text) const {
    const std::string stem = fs::path(text).stem().string();
    if (options_.images.empty())
      if (const fs::path other = with_folder(fs::path(text), "labels", "images"); !other.empty())
        if (const std::string picture = pictures_.find_stem(other.string(), stem); !picture.empty()) return picture;
    return pictures_.find_stem(text, stem);
  }

  // `text` may be absent: the picture holds no object.
  void text_file(const std::string& text, const std::string& picture, const std::vector<std::string>& names, const std::string& subset) {
    NamedImage image;
    const bool bare = text.empty() || !fs::exists(text);
    image.source = bare ? picture : text, image.stated = fs::path(image.source).stem().string() + ".*", image.file = picture;
    image.shares = true, image.subset = subset;
    if (bare)
      bare_.add(picture);
    else
      image.objects = parse_yolo(read_text_file(text), text, names, faults_);
    data_.images.push_back(std::move(image));
  }

  const ConvertOptions& options_;
  Faults& faults_;
  Pictures pictures_;
  std::vector<std::string> names_;  // of --class-names
  std::set<std::string> declared_;
  NamedData data_;
  FirstThree bare_;
  std::set<std::string> said_;             // names that two classes have
  std::map<std::string, size_t> places_;   // of a description's pictures in data_.images
  std::map<std::string, int64_t> shared_;  // "train and val" → pictures
};

}  // namespace

NamedData read_yolo(const ConvertOptions& options, Faults& faults) { return YoloReader(options, faults).read(); }

}  // namespace mr::convert
