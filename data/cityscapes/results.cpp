#include "data/cityscapes/results.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "base/files.h"
#include "base/json_text.h"
#include "base/text.h"
#include "data/cityscapes/depth.h"
#include "data/cityscapes/folders.h"
#include "data/cityscapes/instance_map.h"
#include "data/cityscapes/labels.h"
#include "data/convert/lines.h"
#include "data/image/mask_picture.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

std::vector<std::string_view> parts_of(std::string_view line) {
  std::vector<std::string_view> parts;
  for (size_t blank = line.find(' '); blank != std::string_view::npos; blank = line.find(' ')) {
    parts.push_back(line.substr(0, blank));
    line.remove_prefix(blank + 1);
  }
  parts.push_back(line);
  return parts;
}

bool within(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

fs::path plain(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();  // "DIR/"
}

CityscapesResult parse_line(std::string_view line, const std::string& where, const fs::path& beside, const fs::path& folder) {
  const std::vector<std::string_view> parts = parts_of(line);
  check(parts.size() == 3, where, ": expected MASK LABEL SCORE, parted by one blank each, got '", printable(line), "'");
  check(!parts[0].empty() && parts[0].front() != '/', where, ": expected a mask's path from the folder of this file on, got '",
        printable(parts[0]), "'");
  CityscapesResult r;
  const fs::path mask = (beside / parts[0]).lexically_normal();
  check(within(mask, folder), where, ": the mask ", mask.string(), " lies outside the folder of the results, ", folder.string());
  r.mask = mask.string();
  const std::optional<double> label = number(parts[1]), score = number(parts[2]);
  check(label && *label == std::floor(*label) && *label >= -1 && *label < cityscapes_label_count, where,
        ": expected a label id from 0 to 33 (car: 26), got '", printable(parts[1]), "'");
  check(score.has_value(), where, ": expected a finite score, got '", printable(parts[2]), "'");
  r.label = static_cast<int>(*label), r.score = *score;
  return r;
}

// Text files of a folder and those in it, by their names. Links to folders are not followed.
std::multimap<std::string, std::string> text_files(const std::string& folder) {
  check(is_there(folder), folder, ": there is no such folder of result files");
  check(fs::is_directory(folder), folder, ": is a file; expected the folder of the result files, CITY_123456_123456*.txt");
  std::multimap<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.emplace(entry.path().filename().string(), entry.path().string());
  return files;
}

// That of an image: the only one whose name begins as the image's does.
std::string text_file_of(const std::multimap<std::string, std::string>& files, const CityscapesFrame& frame, const std::string& folder) {
  const auto first = files.lower_bound(frame.name);
  const auto begins = [&](auto at) { return at != files.end() && at->first.starts_with(frame.name); };
  check(begins(first), folder, ": there is no result file ", frame.name, "*.txt for ", frame.truth,
        "; an image without predictions has an empty one");
  check(!begins(std::next(first)), folder, ": expected one result file for ", frame.truth, ", got ", first->second, " and ",
        begins(std::next(first)) ? std::next(first)->second : "");
  return first->second;
}

CityscapesPrediction read_prediction(const CityscapesResult& r, const std::string& file, const Bitmap16& ids) {
  check(is_there(r.mask), file, ": names the mask ", r.mask, ": there is no such file");
  CityscapesPrediction p{r.label, r.score, read_mask_picture(r.mask)};
  if (p.mask.image_height != ids.height || p.mask.image_width != ids.width)
    throw ImageError(
        ImageFault::other_size, r.mask,
        str("expected ", ids.height, "x", ids.width, " pixels, as the image has, got ", p.mask.image_height, "x", p.mask.image_width));
  return p;
}

}  // namespace

std::vector<CityscapesResult> parse_cityscapes_results(const std::string& text, const std::string& file, const std::string& folder) {
  const fs::path beside = plain(file).parent_path(), root = plain(folder);
  std::vector<CityscapesResult> results;
  std::map<std::string, size_t> places;  // by mask
  convert::for_lines(text, [&](int64_t n, std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    CityscapesResult r = parse_line(line, str(file, ": line ", n), beside, root);
    const auto [at, first] = places.try_emplace(r.mask, results.size());
    if (first)
      results.push_back(std::move(r));
    else
      results[at->second] = std::move(r);
  });
  return results;
}

CityscapesEvalFolders cityscapes_eval_folders(const std::string& truth, const std::string& results) {
  const std::vector<CityscapesFrame> frames = cityscapes_truth(truth);
  const std::multimap<std::string, std::string> files = text_files(results);
  std::vector<std::string> of_frame;
  std::vector<std::optional<CityscapesDepthFiles>> depth;
  for (const CityscapesFrame& f : frames) {
    of_frame.push_back(text_file_of(files, f, results));
    depth.push_back(cityscapes_depth_files(f.truth));
  }
  const auto deep = std::ranges::count_if(depth, [](const auto& d) { return d.has_value(); });
  const auto n = static_cast<int64_t>(frames.size());
  const bool distances = deep == n;
  CityscapesEvaluation evaluation(frames.size(), distances);
  std::atomic<int64_t> predictions = 0, others = 0;
  parallel_for(n, 1, [&](int64_t index) {
    const auto i = static_cast<size_t>(index);
    Bitmap16 ids = read_instance_map(frames[i].truth);
    std::vector<CityscapesPrediction> found;
    for (const CityscapesResult& r : parse_cityscapes_results(read_text_file(of_frame[i]), of_frame[i], results)) {
      if (cityscapes_class(r.label) < 0)
        ++others;
      else
        found.push_back(read_prediction(r, of_frame[i], ids));
    }
    predictions += static_cast<int64_t>(found.size());
    CityscapesTruth t{ids.height, ids.width, {}, {}};
    if (distances) t.distances = cityscapes_distances(ids, *depth[i]);
    t.ids = std::move(ids.pixels);
    evaluation.image(i, t, found);
  });
  CityscapesEvalFolders out{evaluation.figures(), n, predictions, others, {}};
  if (deep > 0 && !distances)
    out.notes.push_back(str("no figures by distance: ", n - deep, " of ", n, " images have no disparity or camera file beside ", truth));
  return out;
}

void CityscapesResultWriter::image(const std::string& name, const std::vector<CityscapesPrediction>& predictions) const {
  make_folder(folder_ + "/masks");
  std::string lines;
  for (size_t k = 0; k < predictions.size(); ++k) {
    const CityscapesPrediction& p = predictions[k];
    Bitmap whole(p.mask.image_height, p.mask.image_width);
    for (int y = 0; y < p.mask.bits.height; ++y)
      for (int x = 0; x < p.mask.bits.width; ++x)
        if (p.mask.bits.at(y, x) != 0) whole.at(y + p.mask.y0, x + p.mask.x0) = 255;
    const std::string mask = str("masks/", name, "_", k, ".png");
    write_png(str(folder_, "/", mask), whole);
    lines += str(mask, " ", p.label, " ", json_number(p.score), "\n");
  }
  write_text_file(str(folder_, "/", name, ".txt"), lines);
}

std::vector<std::string> CityscapesResultWriter::files_of(const std::string& name) const {
  std::vector<std::string> files = {str(folder_, "/", name, ".txt")};
  const fs::path masks = fs::path(folder_) / "masks";
  if (fs::is_directory(masks))
    for (const fs::directory_entry& entry : fs::directory_iterator(masks)) {
      const std::string file = entry.path().filename().string(), digits = str(name, "_");
      if (file.starts_with(digits) && file.ends_with(".png")) files.push_back(entry.path().string());
    }
  std::erase_if(files, [](const std::string& f) { return !is_there(f); });
  return files;
}

}  // namespace mr
