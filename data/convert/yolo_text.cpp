// A text file of YOLO segmentation: a line an object, in shares of the image's width and height.
//
//   CLASS x1 y1 x2 y2 x3 y3 …     an outline
//   CLASS cx cy w h               a box: its rectangle becomes the mask
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "data/convert/lines.h"
#include "data/convert/readers.h"
#include "data/convert/shapes.h"

namespace mr::convert {
namespace {

constexpr const char* kBlanks = " \t\r\f\v,";
constexpr double kFarthest = 2;  // coordinates beyond [−1, 2] are no shares of an image's size

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> all;
  for (size_t at = line.find_first_not_of(kBlanks); at != line.npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    all.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kBlanks, end);
  }
  return all;
}

class YoloFile {
 public:
  YoloFile(const std::string& file, const std::vector<std::string>& names, Faults& faults) : file_(file), names_(names), faults_(faults) {}

  std::vector<NamedObject> read(const std::string& text) {
    for_lines(text, [this](int64_t number, std::string_view line) {
      const std::vector<std::string_view> w = words(line);
      if (w.empty()) return;
      record_ = str("line ", number);
      object(w);
    });
    return std::move(objects_);
  }

 private:
  [[noreturn]] void wrong(const std::string& text) const { fail(file_, ": ", record_, ": ", text); }

  double number(std::string_view word) const {
    double v = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), v);
    if (end != word.data() + word.size() || (error != std::errc() && error != std::errc::result_out_of_range))
      wrong("expected numbers, got " + printable(word));
    return v;
  }

  void object(const std::vector<std::string_view>& w) {
    NamedObject o;
    o.record = record_;
    o.name = name(number(w[0]));
    Polygon xy;
    for (size_t i = 1; i < w.size(); ++i) xy.push_back(number(w[i]));
    if (std::any_of(xy.begin(), xy.end(), [](double v) { return !std::isfinite(v); }))
      return faults_.leave_out(file_, record_, "a coordinate is not finite");
    for (const double v : xy)
      if (v < 1 - kFarthest || v > kFarthest) wrong(str("expected shares of the image's size, from 0 to 1, got ", v));
    if (xy.size() == 4) {
      if (!(xy[2] > 0 && xy[3] > 0)) return faults_.leave_out(file_, record_, str("a box of ", xy[2], " x ", xy[3]));
      o.box = true;
      xy = rectangle(xy[0] - xy[2] / 2, xy[1] - xy[3] / 2, xy[0] + xy[2] / 2, xy[1] + xy[3] / 2);
    }
    if (xy.size() % 2 != 0)
      wrong(str("expected a class and pairs of coordinates, got ", w.size(), " numbers",
                w.size() == 6 ? " (a detection with its confidence?)" : ""));
    o.polygons = {std::move(xy)};
    objects_.push_back(std::move(o));
  }

  std::string name(double number) const {
    if (!(number >= 0) || number != std::floor(number)) wrong(str("expected a class number from 0, got ", number));
    if (number >= static_cast<double>(names_.size()) || names_[static_cast<size_t>(number)].empty())
      wrong(str("class ", number, " has no name: there are names for ", names_.size(), " classes"));
    return names_[static_cast<size_t>(number)];
  }

  const std::string& file_;
  const std::vector<std::string>& names_;
  Faults& faults_;
  std::string record_;
  std::vector<NamedObject> objects_;
};

}  // namespace

std::vector<NamedObject> parse_yolo(const std::string& text, const std::string& file, const std::vector<std::string>& names,
                                    Faults& faults) {
  return YoloFile(file, names, faults).read(text);
}

}  // namespace mr::convert
