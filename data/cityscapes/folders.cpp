#include "data/cityscapes/folders.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <string_view>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPictures = "leftImg8bit";
constexpr std::array<const char*, 3> kTops = {kPictures, "gtFine", "gtCoarse"};
constexpr std::string_view kPicture = "_leftImg8bit.png";

bool is_folder(const fs::path& path) {
  std::error_code unknown;
  return fs::is_directory(path, unknown);
}

// What the folder holds, by name. Errors: it cannot be listed.
std::vector<fs::path> inside(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> out;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) out.push_back(at->path());
  if (failed) throw FileError(str(folder.string(), ": cannot be listed: ", reason_of(failed.value())), failed.value());
  std::ranges::sort(out);
  return out;
}

// <city>/<name><ending>, by name. Errors: two of one name.
std::map<std::string, std::string> files_of(const std::string& split, std::string_view ending) {
  std::map<std::string, std::string> files;
  for (const fs::path& city : inside(split)) {
    if (!is_folder(city)) continue;
    for (const fs::path& file : inside(city)) {
      const std::string name = file.filename().string(), frame = cityscapes_name(name);
      if (frame.empty() || name != str(frame, ending)) continue;
      const auto [at, first] = files.try_emplace(frame, file.string());
      check(first, split, ": expected one ", name, ", got ", at->second, " and ", file.string());
    }
  }
  return files;
}

// ---- a folder that is not where it was expected ----

// The folder that holds the one of kTops in which the path lies; empty where it lies in none.
fs::path root_above(const fs::path& path) {
  for (fs::path part = path; part.has_relative_path(); part = part.parent_path())
    if (std::ranges::any_of(kTops, [&](const char* top) { return part.filename() == top; })) return part.parent_path();
  return {};
}

// Looks for `top`/`split` around the root. Returns how the message goes on, or nothing.
std::string looks_like(const fs::path& root, const std::string& top, const std::string& split) {
  fs::path whole = fs::absolute(root).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // "DIR/"
  if (const fs::path above = root_above(whole); !above.empty())
    return str(root.string(), " lies within the download: the root is ", above.string());
  const std::string wanted = lower_case(top);
  for (const fs::path& one : inside(root)) {
    const std::string name = one.filename().string();
    if (!is_folder(one)) continue;
    if (name != top && lower_case(name) == wanted) return str("there is ", one.string(), ": rename it to ", top);
    if (is_folder(one / top / split))
      return name != top && is_folder(one / (top == kPictures ? "gtFine" : kPictures))
                 ? str("there is ", (one / top / split).string(), ": the root is ", one.string())
                 : str("there is ", (one / top / split).string(), ": move ", (one / top).string(), " to ", (root / top).string());
  }
  if (is_folder(root / top))
    for (const fs::path& one : inside(root / top))
      if (is_folder(one))
        for (const fs::path& file : inside(one))
          if (!cityscapes_name(file.filename().string()).empty())
            return str(one.string(), " is a city: the splits (train, val, ...) are expected between ", top, " and it");
  for (const fs::path& one : inside(root))
    if (one.extension() == ".zip" && one.filename().string().starts_with(top)) return str("there is ", one.string(), ": unpack it there");
  return {};
}

std::string expected_files(const std::string& folder, std::string_view ending) {
  return str("expected ", folder, "/CITY/CITY_000000_000019", ending);
}

// The first of `folders` that is there.
std::string folder_of_split(const std::string& root, const std::string& top, const std::string& split,
                            const std::vector<std::string>& others, std::string_view ending) {
  const std::string usual = (fs::path(root) / top / split).string();
  if (is_folder(usual)) return usual;
  for (const std::string& other : others)
    if (const fs::path path = fs::path(root) / other; is_folder(path)) return path.string();
  check(is_there(root), root, ": there is no such folder; expected Cityscapes unpacked, with leftImg8bit and gtFine in it");
  check(is_folder(root), root, ": is a file; expected the folder of Cityscapes, with leftImg8bit and gtFine in it");
  const std::string hint = looks_like(root, top, split);
  fail(usual, ": there is no such folder; ", expected_files(usual, ending), hint.empty() ? "" : "; ", hint);
}

std::string truth_ending(const std::string& top, CityscapesSource source) {
  return str("_", top, source == CityscapesSource::polygons ? "_polygons.json" : "_instanceIds.png");
}

}  // namespace

std::string cityscapes_name(const std::string& file_name) {
  size_t at = file_name.find('_');
  if (at == std::string::npos || at == 0) return {};
  for (int number = 0; number < 2; ++number) {
    if (at >= file_name.size() || file_name[at] != '_') return {};
    const size_t begin = ++at;
    while (at < file_name.size() && std::isdigit(static_cast<unsigned char>(file_name[at])) != 0) ++at;
    if (at == begin) return {};
  }
  return at == file_name.size() || file_name[at] == '_' || file_name[at] == '.' ? file_name.substr(0, at) : "";
}

CityscapesSplit cityscapes_split(const std::string& root, const std::string& split, bool coarse, CityscapesSource source) {
  const bool extra = split == "train_extra";
  const std::string top = coarse || extra ? "gtCoarse" : "gtFine", ending = truth_ending(top, source);
  const std::vector<std::string> others =
      extra ? std::vector<std::string>{"leftImg8bit_trainextra/train_extra", "leftImg8bit_trainextra/leftImg8bit/train_extra"}
            : std::vector<std::string>{};
  CityscapesSplit out;
  out.name = split;
  out.images = folder_of_split(root, kPictures, split, others, kPicture);
  out.truth = folder_of_split(root, top, split, {}, ending);
  const std::map<std::string, std::string> images = files_of(out.images, kPicture), truth = files_of(out.truth, ending);
  check(!images.empty(), out.images, ": holds no image; ", expected_files(out.images, kPicture));
  const auto beside = [](const std::string& folder, const std::string& name, std::string_view end) {
    return str(folder, "/", name.substr(0, name.find('_')), "/", name, end);
  };
  for (const auto& [name, image] : images) {
    if (const auto at = truth.find(name); at != truth.end())
      out.frames.push_back({name, image, at->second});
    else
      out.unpaired.push_back({image, beside(out.truth, name, ending)});
  }
  for (const auto& [name, file] : truth)
    if (!images.contains(name)) out.unpaired.push_back({file, beside(out.images, name, kPicture)});
  return out;
}

std::vector<CityscapesFrame> cityscapes_truth(const std::string& folder) {
  check(is_there(folder), folder, ": there is no such folder; ", expected_files(folder, "_gtFine_instanceIds.png"));
  check(is_folder(folder), folder, ": is a file; ", expected_files(folder, "_gtFine_instanceIds.png"));
  std::vector<CityscapesFrame> frames;
  for (const char* top : {"gtFine", "gtCoarse"}) {
    for (const auto& [name, file] : files_of(folder, truth_ending(top, CityscapesSource::instance_ids))) frames.push_back({name, "", file});
    if (!frames.empty()) return frames;
  }
  std::string hint;
  for (const char* split : {"val", "gtFine/val"})
    if (const fs::path one = fs::path(folder) / split; is_folder(one)) hint = str("; there is ", one.string());
  fail(folder, ": holds no ground truth; ", expected_files(folder, "_gtFine_instanceIds.png"), hint);
}

bool is_cityscapes_folder(const std::string& folder) {
  const auto holds = [](const fs::path& path) {
    return is_folder(path) && std::ranges::any_of(kTops, [&](const char* top) { return is_folder(path / top); });
  };
  if (!is_folder(folder)) return false;
  const fs::path whole = fs::canonical(folder);
  return holds(whole) || !root_above(whole).empty() || std::ranges::any_of(inside(whole), holds);
}

std::vector<std::string> cityscapes_splits_in(const std::string& root) {
  std::vector<std::string> splits;
  for (const char* split : {"train", "val"})
    if (is_folder(fs::path(root) / kPictures / split) || is_folder(fs::path(root) / "gtFine" / split)) splits.emplace_back(split);
  if (splits.empty()) cityscapes_split(root, "train");
  return splits;
}

}  // namespace mr
