#include "app/predict_files.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "data/image/image.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

// A picture by its name may be damaged or empty: to read it says so.
bool named_as_picture(const fs::path& p) {
  const std::string e = lower_case(p.extension().string());
  for (const char* known :
       {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"})
    if (e == known) return true;
  return false;
}

// What a file that cannot be opened is, only its name can tell.
ImageKind kind_of(const fs::path& p) {
  try {
    return image_kind(p.string());
  } catch (const ImageError& e) {
    return {ImageKind::other, e.what()};
  }
}

void search(const std::string& folder, PictureFiles& found) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder))
    if (!entry.path().filename().string().starts_with(".")) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  for (const fs::path& p : entries) {
    if (fs::is_directory(p)) {
      found.others.push_back({p.string(), "is a folder"});
      continue;
    }
    const ImageKind kind = kind_of(p);
    if (kind.kind == ImageKind::read || (kind.kind == ImageKind::other && named_as_picture(p)))
      found.files.push_back(p);
    else
      (kind.kind == ImageKind::refused ? found.pictures : found.others).push_back({p.string(), kind.what});
  }
}

}  // namespace

std::string some_of(const std::vector<std::string>& all) {
  constexpr size_t most = 5;
  std::string text;
  for (size_t i = 0; i < std::min(all.size(), most); ++i) text += (i ? "; " : "") + all[i];
  return all.size() > most ? str(text, "; and ", all.size() - most, " more") : text;
}

PictureFiles find_pictures(const std::vector<std::string>& inputs) {
  std::vector<std::string> absent;
  for (const std::string& input : inputs)
    if (!fs::exists(input)) absent.push_back(input + ": there is no such file or folder");
  check(absent.empty(), some_of(absent));
  PictureFiles found;
  for (const std::string& input : inputs) {
    if (!fs::is_directory(input)) {
      found.files.emplace_back(input);
      continue;
    }
    const size_t before = found.files.size() + found.pictures.size();
    search(input, found);
    check(found.files.size() + found.pictures.size() > before, input, ": the folder holds no image files");
  }
  return found;
}

}  // namespace mr::app
