// YOLO segmentation: a text file an image, a line an object, in shares of the image's width and height.
//
//   CLASS x1 y1 x2 y2 x3 y3 …     an outline
//   CLASS cx cy w h               a box: its rectangle becomes the mask
//
//   where                a data.yaml (data/convert/yolo_yaml.cpp), a folder that holds one, a folder of text files, or text files
//   pictures             …/images/x.jpg for …/labels/x.txt; else beside it, or in images/ or ../images/
//   names                those of data.yaml, or lines of classes.txt or obj.names in the text file's folder or one of the two above it
//   without a text file  a picture of data.yaml, or in a folder of pictures that has text files, holds no object; as an empty file says
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"
#include "data/convert/shapes.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

constexpr const char* kBlanks = " \t\r\f\v,";
constexpr double kFarthest = 2;  // coordinates beyond [−1, 2] are no shares of an image's size

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> all;
  for (size_t at = line.find_first_not_of(kBlanks); at != line.npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    all.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return all;
}

template <class Line> void for_lines(std::string_view text, Line&& each) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  int64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    each(number, text.substr(at, end - at));
    at = end + 1;
  }
}

class YoloFile {
 public:
  YoloFile(const std::string& file, const std::vector<std::string>& names, Faults& faults) : file_(file), names_(names), faults_(faults) {}

  std::vector<NamedObject> read(const std::string& text) {
    for_lines(text, [this](int64_t number, std::string_view line) {
      const std::vector<std::string_view> w = words(line);
      if (w.empty()) return;
      record_ = str("line ", number);
      object(w);
    });
    return std::move(objects_);
  }

 private:
  [[noreturn]] void wrong(const std::string& text) const { fail(file_, ": ", record_, ": ", text); }

  double number(std::string_view word) const {
    double v = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), v);
    if (end != word.data() + word.size() || (error != std::errc() && error != std::errc::result_out_of_range))
      wrong("expected numbers, got " + printable(word));
    return v;
  }

  void object(const std::vector<std::string_view>& w) {
    NamedObject o;
    o.record = record_;
    o.name = name(number(w[0]));
    Polygon xy;
    for (size_t i = 1; i < w.size(); ++i) xy.push_back(number(w[i]));
    if (std::any_of(xy.begin(), xy.end(), [](double v) { return !std::isfinite(v); }))
      return faults_.leave_out(file_, record_, "a coordinate is not finite");
    for (const double v : xy)
      if (v < 1 - kFarthest || v > kFarthest) wrong(str("expected shares of the image's size, from 0 to 1, got ", v));
    if (xy.size() == 4) {
      if (!(xy[2] > 0 && xy[3] > 0)) return faults_.leave_out(file_, record_, str("a box of ", xy[2], " x ", xy[3]));
      o.box = true;
      xy = rectangle(xy[0] - xy[2] / 2, xy[1] - xy[3] / 2, xy[0] + xy[2] / 2, xy[1] + xy[3] / 2);
    }
    if (xy.size() % 2 != 0)
      wrong(str("expected a class and pairs of coordinates, got ", w.size(), " numbers",
                w.size() == 6 ? " (a detection with its confidence?)" : ""));
    o.polygons = {std::move(xy)};
    objects_.push_back(std::move(o));
  }

  std::string name(double number) const {
    if (!(number >= 0) || number != std::floor(number)) wrong(str("expected a class number from 0, got ", number));
    if (number >= static_cast<double>(names_.size()) || names_[static_cast<size_t>(number)].empty())
      wrong(str("class ", number, " has no name: there are names for ", names_.size(), " classes"));
    return names_[static_cast<size_t>(number)];
  }

  const std::string& file_;
  const std::vector<std::string>& names_;
  Faults& faults_;
  std::string record_;
  std::vector<NamedObject> objects_;
};

// ---- files ----

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
    if (bare_ > 0) data_.notes.push_back(str(bare_, " pictures have no text file, which in YOLO means that they hold no object"));
    return std::move(data_);
  }

 private:
  static std::string yaml_in(const std::string& folder) {
    std::vector<std::string> all;
    for (const std::string& file : files_in(folder, false))
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
    for (const std::string& name : names)
      if (!name.empty()) declared_.insert(name);
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
    for (const auto& [subset, places] : d.subsets)
      for (const std::string& place : places)
        for (const std::string& picture : pictures_at(yaml, d.path, place, subset))
          text_file(text_of(picture), picture, d.names, d.subsets.size() > 1 ? subset : "");
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
    check(path.has_value(), yaml, ": ", key, ": there is no ", place, ", neither from ", root.empty() ? "here" : root,
          " nor from the file's folder");
    std::vector<std::string> all;
    if (fs::is_directory(*path)) {
      all = files_in(path->string(), true);
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
    std::vector<std::string> texts = files_of({in}, ".txt");
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
      for (const std::string& picture : files_in(place, false))
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
      ++bare_;
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
  int64_t bare_ = 0;
};

}  // namespace

std::vector<NamedObject> parse_yolo(const std::string& text, const std::string& file, const std::vector<std::string>& names,
                                    Faults& faults) {
  return YoloFile(file, names, faults).read(text);
}

NamedData read_yolo(const ConvertOptions& options, Faults& faults) { return YoloReader(options, faults).read(); }

}  // namespace mr::convert
