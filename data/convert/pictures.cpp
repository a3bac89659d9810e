#include "data/convert/pictures.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "data/convert/recognise.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 18> kExtensions = {".jpg", ".png", ".jpeg", ".tif", ".tiff", ".bmp",  ".webp", ".gif",  ".tga",
                                                     ".ppm", ".pgm", ".pbm",  ".JPG", ".PNG",  ".JPEG", ".TIF",  ".TIFF", ".BMP"};

bool is_file(const fs::path& path) {
  std::error_code unknown;
  return fs::is_regular_file(path, unknown);
}

}  // namespace

bool is_picture(std::string_view path) {
  const std::string extension = lower_case(fs::path(path).extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::vector<std::string> files_in(const std::string& folder, bool deep) {
  std::vector<std::string> files;
  const auto add = [&files](const fs::directory_entry& entry) {
    std::error_code unknown;
    if (entry.is_regular_file(unknown)) files.push_back(entry.path().string());
  };
  if (deep)
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) add(entry);
  else
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) add(entry);
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> files_of(const std::vector<std::string>& in, std::string_view extension) {
  std::vector<std::string> all;
  for (const std::string& path : in) {
    check(fs::exists(path), path, ": there is no such file or folder");
    if (!fs::is_directory(path)) {
      all.push_back(path);
      continue;
    }
    const size_t before = all.size();
    for (std::string& file : files_in(path, true))
      if (lower_case(fs::path(file).extension().string()) == extension) all.push_back(std::move(file));
    check(all.size() > before, path, ": expected a folder with ", extension, " files, got one without");
  }
  return all;
}

std::vector<std::string> annotation_files(const std::vector<std::string>& in, std::string_view extension, const std::string& kind,
                                          std::vector<std::string>& notes) {
  std::vector<std::string> files = files_of(in, extension);
  int64_t others = 0;
  std::erase_if(files, [&](const std::string& file) {
    const RecognisedAnnotations r = recognise_annotations(file);
    if (r.kind == kind) return false;
    if (std::find(in.begin(), in.end(), file) == in.end()) return ++others > 0;
    check(r.what.empty(), file, ": is ", r.what, r.kind.empty() ? ", which is not read" : ": --from " + r.kind + " reads it");
    return false;
  });
  check(!files.empty(), in[0], ": expected a folder with files for --from ", kind, ", got ", others, " ", extension,
        " files of other kinds");
  if (others > 0) notes.push_back(str(others, " ", extension, " files of the folders are of other kinds, and were passed over"));
  return files;
}

Pictures::Pictures(std::string folder) : folder_(std::move(folder)) {
  check(folder_.empty() || fs::is_directory(folder_), folder_, ": expected the folder of the pictures, got ",
        fs::exists(folder_) ? "a file" : "nothing: there is no such folder");
}

std::vector<std::string> Pictures::folders(const std::string& source) const {
  std::vector<std::string> all;
  if (!folder_.empty()) all.push_back(folder_);
  const fs::path beside = fs::path(source).parent_path();
  for (const char* place : {".", "images", "../images"}) all.push_back((beside / place).string());
  return all;
}

std::string Pictures::find(const std::string& source, const std::string& name) const {
  if (name.empty() || name.find('\0') != std::string::npos) return {};
  std::string slashes = name;
  std::replace(slashes.begin(), slashes.end(), '\\', '/');
  const std::string last = fs::path(slashes).filename().string();
  if (last.empty()) return {};
  for (const std::string& folder : folders(source)) {
    for (const std::string& candidate : {name, slashes, last}) {
      const fs::path path = fs::path(folder) / candidate;  // an absolute one is itself
      if (is_file(path)) return path.lexically_normal().string();
    }
  }
  return {};
}

std::string Pictures::find_stem(const std::string& source, const std::string& stem) const {
  if (stem.empty() || stem.find('\0') != std::string::npos) return {};
  for (const std::string& folder : folders(source))
    for (const char* extension : kExtensions)
      if (const fs::path path = fs::path(folder) / (stem + extension); is_file(path)) return path.lexically_normal().string();
  return {};
}

}  // namespace mr::convert
