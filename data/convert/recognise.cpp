#include "data/convert/recognise.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/file_kind.h"
#include "base/files.h"
#include "base/text.h"
#include "data/cityscapes/folders.h"
#include "data/convert/readers.h"
#include "data/convert/recognise_json.h"

namespace mr {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostRead = uint64_t{64} << 20;

// ---- XML: by its outermost element ----

RecognisedAnnotations recognise_xml(std::string_view text) {
  size_t at = 0;
  while ((at = text.find('<', at)) != text.npos) {
    const std::string_view rest = text.substr(at + 1);
    const auto passed = [&](std::string_view open, std::string_view close) {
      if (!rest.starts_with(open)) return false;
      const size_t end = rest.find(close);
      at = end == rest.npos ? text.size() : at + 1 + end + close.size();
      return true;
    };
    if (passed("?", "?>") || passed("!--", "-->") || passed("!", ">")) continue;
    const std::string_view element = rest.substr(0, rest.find_first_of(" \t\r\n/>"));
    if (element == "annotations") return {"a CVAT file", "cvat", ""};
    if (element == "annotation") return {"a Pascal VOC annotation", "voc", ""};
    if (element == "svg") return {"an SVG drawing", "", ""};
    if (element == "html" || element == "HTML") return {"a web page, perhaps that of a failed download", "", ""};
    return {"an XML file", "", ""};
  }
  return {};
}

// ---- what is no text ----

struct Foreign {
  FileKind kind;
  const char* mend;
};
constexpr const char* kPictures = "pictures of masks are read by mrcnn dataset convert --from masks and --from instance-maps";
constexpr const char* kUnpack = "unpack it first";
constexpr Foreign kForeign[] = {
    {FileKind::png, kPictures},
    {FileKind::jpeg, kPictures},
    {FileKind::tiff, kPictures},
    {FileKind::gif, kPictures},
    {FileKind::webp, kPictures},
    {FileKind::zip, kUnpack},
    {FileKind::gzip, kUnpack},
    {FileKind::tar, kUnpack},
    {FileKind::seven_zip, kUnpack},
    {FileKind::rar, kUnpack},
    {FileKind::bzip2, kUnpack},
    {FileKind::xz, kUnpack},
    {FileKind::zstd, kUnpack},
    {FileKind::utf16, "JSON is UTF-8: save it so"},
    {FileKind::lfs_pointer, "git lfs pull fetches the file itself"},
    {FileKind::numpy, ""},
    {FileKind::matlab, ""},
    {FileKind::hdf5, ""},
    {FileKind::parquet, ""},
    {FileKind::sqlite, ""},
    {FileKind::pdf, ""},
    {FileKind::safetensors, ""},
    {FileKind::pickle, ""},
};

// ---- text: lines of numbers, tables, YAML ----

// "0 0.1 0.2 0.3 0.4": a class number and coordinates.
bool yolo_line(std::string_view line) {
  size_t numbers = 0;
  for (size_t at = 0; at < line.size();) {
    const size_t from = line.find_first_not_of(" \t\r", at);
    if (from == line.npos) break;
    at = std::min(line.find_first_of(" \t\r", from), line.size());
    if (line.substr(from, at - from).find_first_not_of("0123456789.+-eE") != line.npos) return false;
    ++numbers;
  }
  return numbers >= 5;
}

RecognisedAnnotations recognise_text(std::string_view text) {
  std::string_view first;
  bool names = false, sets = false;
  for (size_t at = 0, lines = 0; at < text.size() && lines < 1000; ++lines) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (first.empty() && line.find_first_not_of(" \t\r") != line.npos) first = line;
    names = names || line.starts_with("names:");
    sets = sets || line.starts_with("train:") || line.starts_with("val:") || line.starts_with("nc:");
  }
  if (names && sets) return {"a data set's description for YOLO", "yolo", ""};
  if (yolo_line(first)) return {"a YOLO text file", "yolo", ""};
  if (first.find("region_shape_attributes") != first.npos)
    return {"a VIA table (CSV)", "", "VIA exports the same annotations as JSON, which mrcnn dataset convert --from via reads"};
  if (std::count(first.begin(), first.end(), ',') >= 3)
    return {"a table (CSV)", "", "write it as COCO, or as one of the formats that mrcnn dataset convert --help lists"};
  return {};
}

RecognisedAnnotations recognise_file(const std::string& path) {
  const InputFile file(path);
  if (file.size() == 0) return {"an empty file", "", ""};
  const std::string text = file.read_text(0, std::min(file.size(), kMostRead));
  // An archive of torch.save, which is not to be unpacked.
  if (is_kind(text, FileKind::zip) && text.substr(0, 4096).find("/data.pkl") != text.npos) return {"a file of weights (torch's)", "", ""};
  for (const Foreign& f : kForeign)
    if (is_kind(text, f.kind)) return {name_of(f.kind), "", f.mend};
  size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  at = text.find_first_not_of(" \t\r\n", at);
  if (at == text.npos) return {"an empty file", "", ""};
  if (text[at] == '{' || text[at] == '[') return recognise_json(text);
  if (text[at] == '<') return recognise_xml(text);
  return recognise_text(text);
}

// ---- folders ----

// Names in byte order, so that the answer does not depend on the file system's.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code unreadable;
  for (fs::directory_iterator at(folder, unreadable), end; !unreadable && at != end && all.size() < 10000; at.increment(unreadable))
    all.push_back(at->path());
  std::sort(all.begin(), all.end());
  return all;
}

// By the first of the files in it that is recognised; `name`: what they are called in messages, before their own.
RecognisedAnnotations recognise_files(const fs::path& folder, const std::string& name) {
  constexpr size_t most_read = 20;
  size_t read = 0;
  std::error_code unknown;
  for (const fs::path& entry : entries(folder)) {
    const std::string extension = lower_case(entry.extension().string());
    if ((extension != ".json" && extension != ".xml" && extension != ".txt") || fs::is_directory(entry, unknown)) continue;
    if (++read > most_read) break;
    const RecognisedAnnotations one = recognise_annotations(entry.string());
    const std::string file = name + entry.filename().string();
    if (!one.kind.empty()) return {str("a folder of such: ", file, " is ", one.what), one.kind, ""};
    if (one.coco) return {"a folder", "", str("its file ", file, " looks like a COCO annotation file")};
  }
  return {};
}

RecognisedAnnotations recognise_folder(const fs::path& folder) {
  std::error_code unknown;
  const auto holds = [&](const char* name) { return fs::exists(folder / name, unknown); };
  if (holds("SegmentationObject")) return {"a Pascal VOC folder", "voc", ""};
  if (is_cityscapes_folder(folder.string())) return {"a Cityscapes folder", "cityscapes", ""};
  if (holds("data.yaml") || holds("classes.txt")) return {"a YOLO folder", "yolo", ""};
  if (const std::string masks = convert::mask_layout(folder.string()); !masks.empty())
    return {masks == "masks" ? "a folder of pictures and masks, a picture an object" : "a folder of pictures and maps of their objects",
            masks, ""};
  for (const char* inside : {"", "Annotations/", "annotations/", "labels/"})
    if (RecognisedAnnotations files = recognise_files(folder / inside, inside); !files.what.empty()) return files;
  return {"a folder", "", ""};
}

}  // namespace

RecognisedAnnotations recognise_annotations(const std::string& path) {
  try {
    return fs::is_directory(path) ? recognise_folder(path) : recognise_file(path);
  } catch (const std::exception&) {  // unreadable
    return {};
  }
}

std::string foreign_annotations(const std::string& path) {
  const RecognisedAnnotations r = recognise_annotations(path);
  if (r.what.empty()) return {};
  if (r.kind.empty()) return str("is ", r.what, ", not a COCO annotation file", r.mend.empty() ? "" : ": " + r.mend);
  return str("is ", r.what, ", not COCO: mrcnn dataset convert --from ", r.kind, " ", shell_word(path), " --out FILE.json makes one of it");
}

std::string annotations_for_recipe(const std::string& path) {
  const RecognisedAnnotations r = recognise_annotations(path);
  const std::string word = shell_word(path);
  if (r.coco)
    return str("is a COCO annotation file, not a recipe: mrcnn recipe new --annotations ", word,
               " --images DIR --out mine.toml makes one for it");
  if (r.what.empty()) return {};
  if (r.kind.empty()) return str("is ", r.what, ", not a recipe", r.mend.empty() ? "" : ": ", r.mend);
  return str("is ", r.what, ", not a recipe: mrcnn dataset convert --from ", r.kind, " ", word,
             " --out FILE.json makes a COCO file of it, and mrcnn recipe new a recipe of that");
}

}  // namespace mr
