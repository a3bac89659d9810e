#include "data/coco/image_names.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/check.h"
#include "base/text.h"
#include "data/image/image.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

constexpr int kMostEntries = 200'000;  // of a folder that are looked at

bool is_file(const fs::path& p) {
  std::error_code unreachable;
  return fs::is_regular_file(p, unreachable);
}

// By its first bytes: annotations lie under the same name beside their picture.
bool is_picture(const fs::path& p) {
  try {
    return is_file(p) && image_kind(p.string()).kind != ImageKind::other;
  } catch (const Error&) {
    return false;
  }
}

std::string last_name(const std::string& path) { return path.substr(path.find_last_of("/\\") + 1); }

// The first entry of the folder that `wanted` says yes to; empty: none.
fs::path find_entry(const fs::path& folder, const std::function<bool(const fs::directory_entry&)>& wanted) {
  std::error_code error;
  int seen = 0;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && seen < kMostEntries; it.increment(error), ++seen)
    if (wanted(*it)) return it->path();
  return {};
}

std::string unescaped(const std::string& name) {
  const auto digit = [](char c) {
    const char* const all = "0123456789abcdef";
    const char* const at = std::find(all, all + 16, c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
    return static_cast<int>(at - all);
  };
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool escape = name[i] == '%' && i + 2 < name.size() && digit(name[i + 1]) < 16 && digit(name[i + 2]) < 16;
    out += escape ? static_cast<char>(digit(name[i + 1]) * 16 + digit(name[i + 2])) : name[i];
    i += escape ? 2 : 0;
  }
  return out;
}

std::string near_by(const fs::path& folder, const std::string& name) {
  const fs::path wanted = folder / name, in = wanted.parent_path();
  const std::string file = wanted.filename().string(), stem = wanted.stem().string();
  const fs::path other_case = find_entry(in, [&](const auto& e) { return lower_case(e.path().filename().string()) == lower_case(file); });
  if (!other_case.empty())
    return str(other_case.string(), " is there: the names differ in upper and lower case; write file_name as the file is called");
  const fs::path other_ending =
      find_entry(in, [&](const auto& e) { return (e.path().stem() == stem || e.path().stem() == file) && is_picture(e.path()); });
  if (!other_ending.empty()) return str(other_ending.string(), " is there: file_name has another ending, or none; write it in full");
  const fs::path below = find_entry(folder, [&](const auto& e) { return e.is_directory() && is_file(e.path() / name); });
  if (!below.empty()) return str((below / name).string(), " is there: name that folder, or write its name before each file_name");
  if (is_file(folder.parent_path() / name))
    return str((folder.parent_path() / name).string(), " is there: name the folder ", folder.parent_path().string());
  return {};
}

}  // namespace

std::string image_name_fault(const std::string& name) {
  const std::string got = "got '" + printable(name) + "'";
  if (name.empty()) return "must not be empty";
  if (name.find('\0') != std::string::npos) return "must not hold a 0 byte";
  if (name.find("://") != std::string::npos)
    return "must be a file of the image folder, " + got + ", an address: fetch the pictures, and write the name of each file";
  if (name[0] == '/' || name[0] == '\\' || (name.size() > 1 && name[1] == ':'))
    return "must be relative to the image folder, " + got + ": write '" + printable(last_name(name)) +
           "', or what of the path lies below the folder that data.train_images, data.val_images or --images names";
  for (size_t at = 0; at <= name.size();) {
    const size_t slash = std::min(name.find_first_of("/\\", at), name.size());
    if (std::string_view(name).substr(at, slash - at) == "..") return "must not leave the image folder, " + got;
    at = slash + 1;
  }
  return {};
}

std::string missing_image_hint(const std::string& folder_name, const std::string& name) {
  std::error_code unreachable;
  fs::path folder = fs::path(folder_name).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "images/"
  const fs::file_status status = fs::status(folder, unreachable);
  if (!fs::exists(status)) return str(folder_name, ": there is no such folder");
  if (!fs::is_directory(status)) return str(folder_name, ": is a file; name the folder that the pictures lie in (a packed one: unpack it)");
  if (name.find('\\') != std::string::npos) {
    std::string slashes = name;
    std::replace(slashes.begin(), slashes.end(), '\\', '/');
    if (is_file(folder / slashes) || is_file(folder / last_name(name)))
      return str("'", printable(name), "' is written with backslashes, as on Windows: write ",
                 is_file(folder / slashes) ? slashes : last_name(name), ", which is there");
  }
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const std::string rest = name.substr(slash + 1);
    if (!is_file(folder / rest)) continue;
    const bool above = is_file(folder.parent_path() / name);
    return str((folder / rest).string(), " is there: file_name holds the folder already; ",
               above ? str("name the folder above it, ", folder.has_parent_path() ? folder.parent_path().string() : ".", ", or ") : "",
               "take '", name.substr(0, slash + 1), "' off each file_name");
  }
  if (const std::string plain = unescaped(name); plain != name && is_file(folder / plain))
    return str((folder / plain).string(),
               " is there: file_name is written as in an address (%20 for a blank); write it as the file is called");
  return near_by(folder, name);
}

}  // namespace mr
