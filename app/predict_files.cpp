#include "app/predict_files.h"

#include <algorithm>

#include "base/check.h"
#include "base/files.h"
#include "base/folders.h"
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
  } catch (const Error& e) {
    return {ImageKind::other, e.what()};
  }
}

// One entry of a folder.
void look_at(const fs::path& p, PictureFiles& found) {
  const bool picture = named_as_picture(p), hidden = p.filename().string().starts_with(".");
  if (hidden && picture) found.others.push_back({p.string(), "is hidden"});
  if (hidden) return;
  std::error_code unreachable;
  const fs::file_status status = fs::status(p, unreachable);
  const bool nowhere = status.type() == fs::file_type::not_found;  // a link; another may lead in a circle
  if (!fs::exists(status))
    return (picture ? found.pictures : found.others).push_back({p.string(), nowhere ? "leads nowhere" : unreachable.message()});
  if (fs::is_directory(status)) return found.others.push_back({p.string(), "is a folder"});
  const ImageKind kind = kind_of(p);
  if (kind.kind == ImageKind::read || (kind.kind == ImageKind::other && picture))
    found.files.push_back(p);
  else
    (kind.kind == ImageKind::refused ? found.pictures : found.others).push_back({p.string(), kind.what});
}

void search(const std::string& folder, PictureFiles& found) {
  std::vector<std::string> names = names_in(folder);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) look_at(fs::path(folder) / name, found);
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
    if (!is_there(input)) absent.push_back(printable_whole(input) + ": there is no such file or folder");
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
