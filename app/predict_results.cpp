#include "app/predict_results.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "data/coco/coco_results.h"
#include "data/eval/coco_metric.h"
#include "tensor/parallel.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;  // names need not be UTF-8
constexpr const char *results_name = "results.json", *boxes_name = "results_bbox.json", *images_name = "images.json",
                     *left_out_name = "left_out.json";

// Without links, as far as they can be followed.
fs::path place_of(const fs::path& path) {
  std::error_code unreachable;
  const fs::path place = fs::weakly_canonical(path, unreachable);
  return unreachable ? fs::absolute(path).lexically_normal() : place;
}

bool same_place(const fs::path& a, const fs::path& b) { return place_of(a) == place_of(b); }

std::vector<std::string> picture_paths(const fs::path& folder, const std::vector<fs::path>& files) {
  std::set<fs::path> inputs;
  for (const fs::path& f : files) inputs.insert(place_of(f));
  std::set<std::string> taken;
  std::vector<std::string> paths;
  for (const fs::path& f : files) {
    const std::string stem = f.stem().string();
    std::string name = stem + ".png";
    for (int n = 2; !taken.insert(name).second; ++n) name = str(stem, "_", n, ".png");
    paths.push_back((folder / name).string());
    check(!inputs.contains(place_of(folder / name)), paths.back(), ": is a picture to be read, and would be written over; ",
          "choose another --out");
    std::error_code unreachable;
    check(!fs::is_directory(folder / name, unreachable), paths.back(),
          ": is a folder, where a picture is to be drawn; choose another --out");
  }
  return paths;
}

// The pictures that an images.json tells of; those of a file that is none of ours are not known.
std::vector<std::string> pictures_of(const fs::path& images) {
  std::vector<std::string> paths;
  if (!is_there(images.string())) return paths;
  const auto list = nlohmann::json::parse(read_text_file(images.string()), nullptr, false);
  if (!list.is_array()) return paths;
  for (const auto& image : list) {
    const std::string name = image.is_object() && image.contains("picture") && image["picture"].is_string() ? image["picture"] : "";
    const fs::path path = images.parent_path() / name;
    if (name.ends_with(".png") && fs::path(name).filename() == name && is_there(path.string())) paths.push_back(path.string());
  }
  return paths;
}

}  // namespace

ResultFolder::ResultFolder(const std::string& folder, const std::vector<fs::path>& files, bool pictures, bool overwrite,
                           std::vector<std::string> earlier)
    : folder_(folder), earlier_(std::move(earlier)) {
  if (pictures) pictures_ = picture_paths(folder, files);
  for (const char* name : {results_name, boxes_name, images_name, left_out_name})
    if (const fs::path path = fs::path(folder) / name; is_there(path.string())) earlier_.push_back(path.string());
  for (const std::string& path : pictures_)
    if (is_there(path)) earlier_.push_back(path);
  check(overwrite || earlier_.empty(), folder, ": holds results already (", some_of(earlier_),
        "); choose another --out, or replace them with ", "--overwrite");
  for (const std::string& path : pictures_of(fs::path(folder) / images_name))
    if (std::none_of(files.begin(), files.end(), [&](const fs::path& f) { return same_place(f, path); })) earlier_.push_back(path);
}

void ResultFolder::clear() const {
  make_folder(folder_);
  for (const std::string& path : earlier_) fs::remove(path);
}

void Results::add(const FoundObjects& found, int64_t image_id, const std::string& file, PixelSize size, const std::string& picture) {
  if (cityscapes_ != nullptr)
    cityscapes_->write(found, file, size);
  else
    add_rows(found, image_id, size);
  images_.push_back({image_id, file, fs::path(picture).filename().string(), size});
}

void Results::add_rows(const FoundObjects& found, int64_t image_id, PixelSize size) {
  std::vector<CocoDetection> rows = coco_detections(found.objects, image_id, false);
  if (masks_)
    parallel_for(static_cast<int64_t>(rows.size()), 4,
                 [&](int64_t i) { rows[static_cast<size_t>(i)].mask = found.rle(static_cast<size_t>(i), size); });
  for (CocoDetection& row : rows)
    if (!annotations_.leaves_out(row.label)) results_.push_back(std::move(row));
}

void Results::write(const std::string& folder) const {
  if (images_.empty()) return;
  const fs::path to(folder);
  const bool coco = cityscapes_ == nullptr;
  if (coco) write_coco_results(to / results_name, results_, annotations_.class_ids(), masks_ ? CocoType::segm : CocoType::bbox);
  if (coco && masks_) write_coco_results(to / boxes_name, results_, annotations_.class_ids(), CocoType::bbox);
  nlohmann::ordered_json images = nlohmann::ordered_json::array();
  for (const Seen& i : images_) {
    images.push_back({{"id", i.id}, {"file_name", i.file}, {"width", i.size.width}, {"height", i.size.height}});
    if (!i.picture.empty()) images.back()["picture"] = i.picture;
  }
  write_text_file(to / images_name, images.dump(1, ' ', false, replace) + "\n");
}

void write_left_out(const std::string& folder, const std::vector<LeftOut>& pictures, const std::vector<LeftOut>& others) {
  if (pictures.empty() && others.empty()) return;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto* part : {&pictures, &others})
    for (const LeftOut& f : *part) list.push_back({{"file_name", f.file}, {"picture", part == &pictures}, {"why", f.why}});
  write_text_file(fs::path(folder) / left_out_name, list.dump(1, ' ', false, replace) + "\n");
}

}  // namespace mr::app
