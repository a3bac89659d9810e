#include "train/proposal_files.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "models/weights/safetensors.h"

namespace mr {
namespace {

constexpr const char* format_name = "mrcnn.proposals";

// The values of a tensor of our file, of the shape that the number of images says; an axis of −1: any.
template <class T> std::vector<T> values_of(const WeightFile& file, const char* name, FileType type, const FileShape& shape) {
  const NamedTensor* t = file.find(name);
  check(t != nullptr, file.path, ": lacks the tensor ", name);
  bool fits = t->type == type && t->shape.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = shape[i] < 0 || t->shape[i] == shape[i];
  check(fits, file.path, ": ", name, ": expected ", type, " ", shape_text(shape), " (-1: any size), got ", t->type, " ",
        shape_text(t->shape));
  std::vector<T> values(static_cast<size_t>(t->numel()));
  t->read(std::as_writable_bytes(std::span(values)));
  return values;
}

template <class T> NamedTensor tensor_of(const std::string& name, FileType type, FileShape shape, const std::vector<T>& values) {
  return {name, type, std::move(shape), [values](std::span<std::byte> out) { std::memcpy(out.data(), values.data(), out.size()); }};
}

}  // namespace

ProposalSet read_own_proposals(const std::string& path) {
  const WeightFile file = read_safetensors(path);
  const auto format = file.metadata.find("format");
  check(format != file.metadata.end() && format->second == format_name, path, ": metadata format: expected \"", format_name, "\", got ",
        format == file.metadata.end() ? "none" : str("\"", format->second, "\""), "; mrcnn proposals writes such files");
  const auto ids = values_of<int64_t>(file, "image_id", FileType::i64, {-1});
  const auto n = static_cast<int64_t>(ids.size());
  const auto counts = values_of<int64_t>(file, "count", FileType::i64, {n});
  const auto sizes = values_of<int32_t>(file, "size", FileType::i32, {n, 2});
  const auto scores = values_of<float>(file, "scores", FileType::f32, {-1});
  const auto boxes = values_of<float>(file, "boxes", FileType::f32, {static_cast<int64_t>(scores.size()), 4});
  ProposalSet set(path);
  size_t at = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const int64_t left = static_cast<int64_t>(scores.size() - at);
    check(counts[i] >= 0 && counts[i] <= left, path, ": count[", i, "] (image ", ids[i], "): expected 0 to ", left, ", got ", counts[i]);
    std::vector<ProposedBox> of_image;
    for (const size_t end = at + static_cast<size_t>(counts[i]); at < end; ++at) {
      const float* b = boxes.data() + 4 * at;
      of_image.push_back({{b[0], b[1], b[2], b[3]}, scores[at]});
    }
    const PixelSize size{sizes[2 * i], sizes[2 * i + 1]};
    set.add(ids[i], std::move(of_image), size == PixelSize{} ? std::nullopt : std::optional(size));
  }
  check(at == scores.size(), path, ": boxes: expected ", at, ", as `count` says, got ", scores.size());
  return set;
}

void write_proposals(const std::string& path, const ProposalSet& set, std::map<std::string, std::string> metadata) {
  const std::vector<int64_t> ids = set.image_ids();
  std::vector<int64_t> counts;
  std::vector<int32_t> sizes;
  std::vector<float> boxes, scores;
  for (const int64_t id : ids) {
    const PixelSize size = set.size_of(id).value_or(PixelSize{});
    sizes.push_back(size.height);
    sizes.push_back(size.width);
    counts.push_back(static_cast<int64_t>(set.of(id).size()));
    for (const ProposedBox& p : set.of(id)) {
      boxes.insert(boxes.end(), {p.box.x1, p.box.y1, p.box.x2, p.box.y2});
      scores.push_back(p.score);
    }
  }
  metadata["format"] = format_name;
  metadata["hash"] = set.hash();
  const auto n = static_cast<int64_t>(ids.size()), r = static_cast<int64_t>(scores.size());
  write_safetensors(path, metadata,
                    {tensor_of("image_id", FileType::i64, {n}, ids), tensor_of("count", FileType::i64, {n}, counts),
                     tensor_of("size", FileType::i32, {n, 2}, sizes), tensor_of("boxes", FileType::f32, {r, 4}, boxes),
                     tensor_of("scores", FileType::f32, {r}, scores)});
}

ProposalSet read_coco_proposals(const std::string& path) {
  const std::string text = read_text_file(path);
  JsonReader json(text, path);
  std::map<int64_t, std::vector<ProposedBox>> of_image;
  size_t record = 0;
  json.array([&] {
    std::optional<int64_t> image;
    std::optional<float> score;
    std::array<double, 4> box{};
    size_t numbers = 0;
    json.object([&](std::string_view key) {
      if (key == "image_id") {
        const JsonNumber id = json.number();
        if (!id.is_integer) json.fail(str("results[", record, "]: image_id: expected a whole number, got ", id.text));
        image = id.integer;
      } else if (key == "score") {
        score = static_cast<float>(json.number().value);
      } else if (key == "bbox") {
        json.array([&] {
          const double v = json.number().value;
          if (numbers < 4) box[numbers] = v;
          ++numbers;
        });
      } else {
        json.skip();
      }
    });
    const auto wants = [&](bool ok, const char* what) {
      if (!ok) json.fail(str("results[", record, "]", image ? str(" (image ", *image, ")") : std::string(), ": ", what));
    };
    wants(image.has_value(), "image_id: is missing");
    wants(score.has_value(), "score: is missing");
    wants(numbers == 4, "bbox: expected four numbers, x, y, width and height");
    const auto at = [&](double v) { return static_cast<float>(v); };
    of_image[*image].push_back({{at(box[0]), at(box[1]), at(box[0] + box[2]), at(box[1] + box[3])}, *score});
    ++record;
  });
  json.end();
  ProposalSet set(path);
  for (auto& [id, boxes] : of_image) set.add(id, std::move(boxes));
  return set;
}

ProposalSet read_proposals(const std::string& path) {
  const InputFile file(path);
  check(file.size() > 0, path, ": is empty; expected a file of proposals");
  // safetensors: eight bytes that say how long the header is, which is no 4 GiB, and the header's brace.
  if (file.size() >= 9 && file.read_text(4, 5) == std::string("\0\0\0\0{", 5)) return read_own_proposals(path);
  const char first = file.read_text(0, 1).front();
  if (first == '\x80') return read_pickled_proposals(path);
  if (std::string_view("[ \n\r\t").find(first) != std::string_view::npos) return read_coco_proposals(path);
  fail(path, ": expected proposals: a file of mrcnn proposals (safetensors), COCO results (JSON), or a pickle of Detectron or detectron2");
}

}  // namespace mr
