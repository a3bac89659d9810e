#include "data/folders/folder_dataset.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/convert/pictures.h"
#include "data/image/image.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

// The first part of a path below `folder`; empty for a file that lies in the folder itself.
std::string class_of(const std::string& file, const std::string& folder) {
  const fs::path below = fs::path(file).lexically_relative(folder);
  return std::distance(below.begin(), below.end()) > 1 ? below.begin()->string() : std::string();
}

}  // namespace

FolderDataset::FolderDataset(const std::string& stated, const std::vector<std::string>& wanted) {
  const std::string folder = stated.ends_with('/') && stated.size() > 1 ? stated.substr(0, stated.size() - 1) : stated;
  check(is_there(folder), folder, ": there is no such folder; expected one with a folder of pictures for each class");
  std::map<std::string, std::vector<std::string>> pictures;  // of each class, in the order of their names
  int64_t others = 0, loose = 0, unwanted = 0;
  std::string first_loose;
  for (const std::string& file : convert::files_in(folder, true, notes_)) {
    const std::string name = class_of(file, folder);
    if (!convert::is_picture(file)) {
      ++others;
    } else if (name.empty()) {
      if (loose++ == 0) first_loose = file;
    } else if (!wanted.empty() && std::ranges::find(wanted, name) == wanted.end()) {
      ++unwanted;
    } else {
      pictures[name].push_back(file);
    }
  }
  check(!pictures.empty(), folder, ": holds no folder with pictures", unwanted > 0 ? " of the classes that are wanted (data.classes)" : "",
        "; expected one for each class, as in ", folder, "/cat/1.jpg",
        loose > 0 ? str(" (", counted(loose, "picture"), " in it without a class: ", printable(first_loose), ", …)") : "");
  const auto note = [&](int64_t n, const char* what, const std::string& which) {
    if (n > 0) notes_.push_back(str(folder, ": left out: ", counted(n, what), which));
  };
  note(loose, "picture", str(" in no folder of a class: ", printable(first_loose)));
  note(unwanted, "picture", " of classes that are not wanted");
  note(others, "file", " without a picture");
  for (auto& [name, files] : pictures) {
    check(is_utf8(name), folder, ": the folder ", printable(name), " has a name that is not UTF-8, and cannot name a class");
    classes_.push_back(name);
    for (std::string& file : files) pictures_.push_back({std::move(file), static_cast<int>(classes_.size())});
  }
}

std::vector<int64_t> FolderDataset::category_ids() const {
  std::vector<int64_t> ids;
  for (size_t k = 1; k <= classes_.size(); ++k) ids.push_back(static_cast<int64_t>(k));
  return ids;
}

std::vector<ObjectCount> FolderDataset::object_counts() const {
  std::vector<ObjectCount> counts(classes_.size());
  for (const Picture& p : pictures_) ++counts[static_cast<size_t>(p.label) - 1].objects;
  return counts;
}

Sample FolderDataset::of(int64_t index, PixelSize size) const {
  const Picture& p = pictures_.at(static_cast<size_t>(index));
  Sample s;
  s.info = {index + 1, size.height, size.width, p.file};
  const Box whole{0, 0, static_cast<float>(size.width), static_cast<float>(size.height)};
  s.instances.push_back({index + 1, p.label, whole, {}, static_cast<double>(size.width) * size.height, false});
  return s;
}

PixelSize FolderDataset::stated_size(int64_t index) const {
  try {
    return image_size(pictures_.at(static_cast<size_t>(index)).file);
  } catch (const ImageError&) {
    return {1, 1};
  }
}

ImageInfo FolderDataset::info(int64_t index) const { return of(index, stated_size(index)).info; }

std::vector<Instance> FolderDataset::instances(int64_t index) const { return of(index, stated_size(index)).instances; }

Sample FolderDataset::sample(int64_t index) const {
  Image image = read_image(pictures_.at(static_cast<size_t>(index)).file);
  Sample s = of(index, {image.height, image.width});
  s.image = std::move(image);
  return s;
}

}  // namespace mr
