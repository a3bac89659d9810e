#include "data/coco/segmentation.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "data/coco/numbers.h"
#include "geometry/polygon.h"

namespace mr {

using Kind = JsonReader::Kind;

namespace {

class Reader {
 public:
  Reader(JsonReader& json, Segmentation& out) : json_(json), out_(out) {}

  void read() {
    out_.kind = Segmentation::Kind::none;
    out_.coordinates.clear(), out_.ends.clear(), out_.runs.clear(), out_.field.clear(), out_.fault.clear(), out_.short_part.clear();
    out_.short_parts = 0, out_.height = out_.width = 0;
    switch (json_.kind()) {
      case Kind::array:
        return polygons();
      case Kind::object:
        return runs();
      case Kind::null:
        return json_.null();
      default:
        fault("segmentation", str("must be polygons or runs, got ", json_.skipped()));
    }
  }

 private:
  // The first one counts: a flat list of coordinates is one mistake, not a hundred.
  void fault(const char* field, const std::string& what) {
    if (out_.fault.empty()) out_.field = field, out_.fault = what;
  }

  void polygons() {
    out_.kind = Segmentation::Kind::polygons;
    int64_t parts = 0, pairs = 0;
    json_.array([&] {
      const size_t n = polygon(parts++);
      pairs += n == 2;
    });
    if (pairs == parts && parts >= 3)
      fault("segmentation",
            str("holds ", parts, " parts of two numbers each: a polygon's points stand in one list, [[x0, y0, x1, y1, …]]"));
  }

  // How many numbers it holds.
  size_t polygon(int64_t k) {
    if (json_.kind() != Kind::array) {
      const bool flat = k == 0 && json_.kind() == Kind::number;
      fault("segmentation", str("polygon ", k, " must be an array of coordinates, got ", json_.skipped(),
                                flat ? ": each part is a list of its own, [[x0, y0, x1, y1, …]]" : ""));
      return 0;
    }
    const size_t begin = out_.coordinates.size();
    bool numbers = true;
    json_.array([&] {
      if (json_.kind() == Kind::number) {
        out_.coordinates.push_back(json_.number().value);
        return;
      }
      const bool point = json_.kind() == Kind::array || json_.kind() == Kind::object;
      fault("segmentation", str("polygon ", k, " must hold numbers, got ", json_.skipped(),
                                point ? ": points stand one after the other, [[x0, y0, x1, y1, …]]" : ""));
      numbers = false;
    });
    const size_t n = out_.coordinates.size() - begin;
    if (!numbers) return 0;
    if (n < 6) {
      if (out_.short_parts++ == 0) out_.short_part = str("polygon ", k, " must have at least three points, got ", n, " coordinates");
      out_.coordinates.resize(begin);
      return n;
    }
    out_.ends.push_back(out_.coordinates.size());
    try {
      polygon_check({out_.coordinates.data() + begin, n});
    } catch (const Error& e) {
      fault("segmentation", e.what());
    }
    return n;
  }

  bool whole(const char* field, int64_t& out) {
    std::string what;
    if (read_whole(json_, out, what)) return true;
    fault(field, what);
    return false;
  }

  void runs() {
    int64_t size[2] = {0, 0};
    size_t sizes = 0, members = 0;
    bool counts = false, text = false;
    std::vector<int64_t> numbers;
    json_.object([&](std::string_view key) {
      ++members;
      if (key == "size" && json_.kind() == Kind::array) {
        json_.array([&] {
          int64_t v = 0;
          whole("segmentation.size", v);
          if (sizes < 2) size[sizes] = v;
          ++sizes;
        });
      } else if (key == "counts" && json_.kind() == Kind::string) {
        counts = text = true, out_.runs = json_.string();
      } else if (key == "counts" && json_.kind() == Kind::array) {
        counts = true;
        json_.array([&] {
          int64_t v = 0;
          if (!out_.fault.empty())
            json_.skip();
          else if (whole("segmentation.counts", v))
            numbers.push_back(v);
        });
      } else {
        json_.skip();
      }
    });
    if (members == 0) return;
    out_.kind = Segmentation::Kind::runs;
    if (sizes != 2) fault("segmentation", "must have a size of [height, width]");
    if (!counts) fault("segmentation", "must have counts, a string or an array");
    if (!out_.fault.empty()) return;
    try {
      const Rle mask = text ? rle_from_string(out_.runs, size[0], size[1]) : rle_from_counts(numbers, size[0], size[1]);
      if (!text) out_.runs = rle_to_string(mask);
    } catch (const Error& e) {
      return fault("segmentation", e.what());
    }
    out_.height = static_cast<int>(size[0]), out_.width = static_cast<int>(size[1]);
  }

  JsonReader& json_;
  Segmentation& out_;
};

}  // namespace

void read_segmentation(JsonReader& json, Segmentation& out) { Reader(json, out).read(); }

Rle rasterise_parts(std::span<const double> coordinates, size_t begin, std::span<const size_t> ends, int height, int width) {
  std::vector<Rle> parts;
  for (const size_t end : ends) {
    parts.push_back(rasterise(coordinates.subspan(begin, end - begin), height, width));
    begin = end;
  }
  if (parts.size() == 1) return std::move(parts[0]);
  return parts.empty() ? rasterise(std::span<const double>(), height, width) : rle_merge(parts);
}

Rle Segmentation::rle(int image_height, int image_width) const {
  if (kind == Kind::runs) return rle_from_string(runs, height, width);
  return rasterise_parts(coordinates, 0, ends, image_height, image_width);
}

std::optional<std::array<double, 4>> Segmentation::bounds() const {
  if (empty()) return std::nullopt;
  if (kind == Kind::runs) {
    const Rle mask = rle(0, 0);
    if (rle_area(mask) == 0) return std::nullopt;
    const Box b = rle_box(mask);
    return std::array{double{b.x1}, double{b.y1}, double{b.width()}, double{b.height()}};
  }
  double x1 = coordinates[0], x2 = x1, y1 = coordinates[1], y2 = y1;
  for (size_t i = 0; i + 1 < coordinates.size(); i += 2) {
    x1 = std::min(x1, coordinates[i]), x2 = std::max(x2, coordinates[i]);
    y1 = std::min(y1, coordinates[i + 1]), y2 = std::max(y2, coordinates[i + 1]);
  }
  return std::array{x1, y1, x2 - x1, y2 - y1};
}

}  // namespace mr
