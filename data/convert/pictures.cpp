#include "data/convert/pictures.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "base/text.h"
#include "data/convert/named.h"
#include "data/convert/recognise.h"
#include "data/convert/xml.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 13> kExtensions = {".jpg", ".png", ".jpeg", ".tif", ".tiff", ".bmp", ".webp",
                                                     ".gif", ".tga", ".ppm",  ".pgm", ".pbm",  ".pnm"};

bool is_file(const fs::path& path) {
  std::error_code unknown;
  return fs::is_regular_file(path, unknown);
}

std::string extension_of(const fs::path& path) { return lower_case(path.extension().string()); }

// Goes through a folder, and through those in it.
class Walk {
 public:
  explicit Walk(bool deep) : deep_(deep) {}

  std::vector<std::string> files(const std::string& top, std::vector<std::string>& notes) {
    for (folders_.emplace_back(top); !folders_.empty();) {
      const fs::path folder = std::move(folders_.back());
      folders_.pop_back();
      read(folder);
      if (!folders_.empty()) continue;
      std::swap(folders_, linked_);  // once all that lies in the folder itself was read
    }
    std::sort(files_.begin(), files_.end());
    if (aside_.count() > 0) notes.push_back(str(top, ": ", aside_.count(), " links were passed over: ", aside_.list()));
    return std::move(files_);
  }

 private:
  void read(const fs::path& folder) {
    std::error_code error;
    const auto check_readable = [&] { check(!error, folder.string(), ": the folder cannot be read: ", reason_of(error.value())); };
    const fs::path place = fs::canonical(folder, error);
    check_readable();
    if (!read_.insert(place).second) return aside_.add(folder.string() + " (leads to a folder that was read already)");
    fs::directory_iterator at(folder, error);
    for (check_readable(); at != fs::directory_iterator(); at.increment(error), check_readable())
      if (!at->path().filename().string().starts_with('.')) entry(*at);
  }

  void entry(const fs::directory_entry& e) {
    std::error_code error;
    const fs::file_status status = fs::status(e.path(), error);
    if (error == std::errc::too_many_symbolic_link_levels) return aside_.add(e.path().string() + " (leads in a circle)");
    if (status.type() == fs::file_type::not_found) return aside_.add(e.path().string() + " (leads nowhere)");
    check(!error, e.path().string(), ": cannot be read: ", reason_of(error.value()));
    if (fs::is_regular_file(status))
      files_.push_back(e.path().string());
    else if (fs::is_directory(status) && deep_)
      (e.is_symlink(error) ? linked_ : folders_).push_back(e.path());
  }

  bool deep_;
  std::vector<fs::path> folders_, linked_;  // to be read
  std::set<fs::path> read_;
  std::vector<std::string> files_;
  FirstThree aside_;
};

// Errors: a file that cannot be read, or is not of the language that its name states, to its end. `what`: it is recognised as.
void check_whole(const std::string& file, std::string_view extension, const std::string& what) {
  const std::string text = read_text_file(file);
  const bool empty = text.find_first_not_of(" \t\r\n") == text.npos, wide = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  try {
    check(!empty, file, ": is an empty file");
    check(!wide, file, ": is text in UTF-16: save it as UTF-8");
    if (extension == ".json") {
      JsonReader json(text, file);
      json.skip();
      json.end();
    } else {
      const XmlFile xml(text, file, nullptr);
    }
  } catch (const Error& e) {
    const std::string like = empty || wide || what.empty() ? "" : str(" (it looks like ", what, ")");
    fail(e.what(), like, "; if it holds no annotation, move it out of the folder");
  }
}

// Errors: a file named that is of another kind than was said.
void check_kind(const std::string& file, const RecognisedAnnotations& r) {
  check(!r.coco, file, ": is a COCO annotation file already: mrcnn recipe new --annotations ", shell_word(file), " goes on from it");
  check(r.what.empty(), file, ": is ", r.what,
        r.kind.empty() ? str(", which is not read", r.mend.empty() ? "" : ": ", r.mend) : str(": --from ", r.kind, " reads it"));
}

}  // namespace

bool is_picture(std::string_view path) {
  const std::string extension = extension_of(path);
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::vector<std::string> files_in(const std::string& folder, bool deep, std::vector<std::string>& notes) {
  return Walk(deep).files(folder, notes);
}

std::vector<std::string> files_of(const std::vector<std::string>& in, std::string_view extension, std::vector<std::string>& notes) {
  std::vector<std::string> all;
  for (const std::string& path : in) {
    check(fs::exists(path), path, ": there is no such file or folder");
    if (!fs::is_directory(path)) {
      all.push_back(path);
      continue;
    }
    const size_t before = all.size();
    for (std::string& file : files_in(path, true, notes))
      if (extension_of(file) == extension) all.push_back(std::move(file));
    check(all.size() > before, path, ": expected a folder with ", extension, " files, got one without");
  }
  return all;
}

std::vector<std::string> annotation_files(const std::vector<std::string>& in, std::string_view extension, const std::string& kind,
                                          std::vector<std::string>& notes) {
  std::vector<std::string> files = files_of(in, extension, notes);
  FirstThree others;
  std::erase_if(files, [&](const std::string& file) {
    const RecognisedAnnotations r = recognise_annotations(file);
    if (r.kind == kind) return false;
    if (std::find(in.begin(), in.end(), file) != in.end()) {
      check_kind(file, r);
      return false;
    }
    check_whole(file, extension, r.what);
    const std::string what = r.coco ? "a COCO annotation file" : r.what;
    others.add(what.empty() ? file : str(file, " (", what, ")"));
    return true;
  });
  check(!files.empty(), in[0], ": expected a folder with files for --from ", kind, ", got ", others.count(), " ", extension,
        " files of other kinds: ", others.list());
  if (others.count() > 0)
    notes.push_back(str(others.count(), " ", extension, " files of the folders are of other kinds, and were passed over: ", others.list()));
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

const Pictures::Stems& Pictures::stems(const std::string& folder) const {
  const auto [at, fresh] = stems_.try_emplace(folder);
  std::error_code absent;
  if (fresh)
    for (fs::directory_iterator entry(folder, absent), end; !absent && entry != end; entry.increment(absent))
      if (const fs::path& path = entry->path(); is_picture(path.string()))
        at->second.emplace(path.stem().string(), path.filename().string());
  return at->second;
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
  for (const std::string& folder : folders(source)) {
    const fs::path wanted = fs::path(folder) / stem;
    const auto [first, last] = stems(wanted.parent_path().string()).equal_range(wanted.filename().string());
    for (const char* extension : kExtensions)
      for (auto at = first; at != last; ++at)
        if (const fs::path path = wanted.parent_path() / at->second; extension_of(path) == extension && is_file(path))
          return path.lexically_normal().string();
  }
  return {};
}

}  // namespace mr::convert
