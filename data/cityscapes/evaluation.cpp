#include "data/cityscapes/evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/check.h"
#include "base/json_text.h"
#include "data/cityscapes/labels.h"
#include "data/eval/average_precision.h"

namespace mr {
namespace {

constexpr int kThresholds = 10;
// As numpy's arange(0.5, 1, 0.05) rounds them.
double threshold(int t) { return 0.5 + t * (0.55 - 0.5); }

// Which objects count.
struct Range {
  int64_t pixels;
  double metres, density;
};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array<Range, 3> kRanges = {{{100, kInfinity, -kInfinity}, {1000, 100, 0.5}, {1000, 50, 0.5}}};

// A region of one number, of a class that is evaluated.
struct Object {
  int label = 0;
  bool group = false;
  int64_t pixels = 0;
  CityscapesDistance distance;

  bool small(const Range& r) const { return pixels < r.pixels || distance.metres > r.metres || distance.density < r.density; }
  bool counts(const Range& r) const { return !group && !small(r); }
};

struct Overlap {
  size_t object = 0;
  int64_t pixels = 0;
  double iou = 0;
};

struct Scored {
  int label = 0;
  double score = 0;
  int64_t pixels = 0, void_pixels = 0;
  std::vector<Overlap> overlaps;  // with the objects of its class

  // The share of its pixels that speaks for leaving it out.
  double ignored(const std::vector<Object>& objects, const Range& r) const {
    int64_t n = void_pixels;
    for (const Overlap& o : overlaps) n += o.pixels * (int{objects[o.object].group} + int{objects[o.object].small(r)});
    return static_cast<double>(n) / static_cast<double>(pixels);
  }
};

// How often each number stands in a map, or under a mask.
class Counts {
 public:
  explicit Counts(const CityscapesTruth& truth) : truth_(truth), n_(65536) {
    for (size_t p = 0; p < truth.ids.size();) {  // run by run
      const size_t begin = p;
      while (p < truth.ids.size() && truth.ids[p] == truth.ids[begin]) ++p;
      n_[truth.ids[begin]] += static_cast<int32_t>(p - begin);
    }
    for (size_t id = 0; id < n_.size(); ++id)
      if (n_[id] > 0) present_.emplace_back(static_cast<uint16_t>(id), n_[id]);
    reset();
  }
  const std::vector<std::pair<uint16_t, int64_t>>& present() const { return present_; }  // (number, pixels in the map)

  // The pixels of each present number under the mask.
  std::vector<int64_t> under(const CroppedMask& mask) {
    const Bitmap& b = mask.bits;
    const int x_begin = std::max(0, -mask.x0), x_end = std::min(b.width, truth_.width - mask.x0);
    for (int y = std::max(0, -mask.y0); y < std::min(b.height, truth_.height - mask.y0); ++y) {
      const uint8_t* bit = b.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(b.width);
      const uint16_t* id = truth_.ids.data() + static_cast<size_t>(y + mask.y0) * static_cast<size_t>(truth_.width);
      for (int x = x_begin; x < x_end; ++x)
        if (bit[x] != 0) ++n_[id[x + mask.x0]];
    }
    std::vector<int64_t> pixels;
    for (const auto& [number, all] : present_) pixels.push_back(n_[number]);
    reset();
    return pixels;
  }

 private:
  void reset() {
    for (const auto& [number, all] : present_) n_[number] = 0;
  }
  const CityscapesTruth& truth_;
  std::vector<int32_t> n_;
  std::vector<std::pair<uint16_t, int64_t>> present_;
};

// AP by range and threshold, and the objects that count in each range, of one class.
struct ClassResult {
  std::array<std::array<double, kThresholds>, kRanges.size()> ap;
  std::array<int64_t, kRanges.size()> objects = {};

  double mean(size_t range) const { return std::accumulate(ap[range].begin(), ap[range].end(), 0.0) / kThresholds; }
  CityscapesAP figures(bool distances) const {
    CityscapesAP f{.AP = mean(0), .AP50 = ap[0][0]};
    if (distances) f.AP100m = mean(1), f.AP50m = mean(2), f.AP50_50m = ap[2][0];
    return f;
  }
};

struct Member {
  const char* name;
  double CityscapesAP::*value;
};
constexpr std::array<Member, 5> kMembers = {{{"AP", &CityscapesAP::AP},
                                             {"AP50", &CityscapesAP::AP50},
                                             {"AP100m", &CityscapesAP::AP100m},
                                             {"AP50m", &CityscapesAP::AP50m},
                                             {"AP50_50m", &CityscapesAP::AP50_50m}}};

std::span<const Member> members(const CityscapesFigures& f) { return std::span(kMembers).first(f.distances ? 5 : 2); }

// Over the classes that have the figure.
double mean_of(const std::vector<CityscapesFigures::Class>& classes, double CityscapesAP::*member) {
  double sum = 0;
  int n = 0;
  for (const CityscapesFigures::Class& c : classes)
    if (const double v = c.figures.*member; !std::isnan(v)) sum += v, ++n;
  return n > 0 ? sum / n : CityscapesAP::none;
}

}  // namespace

struct CityscapesEvaluation::Image {
  std::vector<Object> objects;
  std::vector<Scored> predictions;

  int64_t counting(int label, const Range& r) const {
    return std::ranges::count_if(objects, [&](const Object& o) { return o.label == label && o.counts(r); });
  }

  // What counts as right and as wrong.
  void judge(int label, const Range& r, double t, std::vector<ScoredHit>& hits) const {
    std::map<size_t, double> found;  // object → the best score of those that found it
    for (const Scored& p : predictions) {
      if (p.label != label) continue;
      bool matched = false;
      for (const Overlap& o : p.overlaps) {
        if (!(o.iou > t)) continue;
        matched = true;
        if (!objects[o.object].counts(r)) continue;
        const auto [at, first] = found.try_emplace(o.object, p.score);
        if (first) continue;
        hits.push_back({std::min(at->second, p.score), false});
        at->second = std::max(at->second, p.score);
      }
      if (!matched && p.ignored(objects, r) <= t) hits.push_back({p.score, false});
    }
    for (const auto& [object, score] : found) hits.push_back({score, true});
  }
};

CityscapesEvaluation::CityscapesEvaluation(size_t images, bool distances) : images_(images), distances_(distances) {}
CityscapesEvaluation::~CityscapesEvaluation() = default;

void CityscapesEvaluation::image(size_t index, const CityscapesTruth& truth, std::span<const CityscapesPrediction> predictions) {
  check(truth.ids.size() == static_cast<size_t>(truth.height) * static_cast<size_t>(truth.width), "cityscapes evaluation: expected ",
        truth.height, "x", truth.width, " instance ids, got ", truth.ids.size());
  Image& image = images_.at(index);
  image = {};
  Counts counts(truth);
  std::vector<int> object_of(counts.present().size(), -1);
  std::vector<char> is_void(counts.present().size());
  for (size_t k = 0; k < object_of.size(); ++k) {
    const auto [id, pixels] = counts.present()[k];
    const int label = cityscapes_label_of(id);
    check(label < cityscapes_label_count, "cityscapes evaluation: the instance id ", id, " is that of no label");
    is_void[k] = id < 1000 && cityscapes_label(label).void_pixels;
    if (cityscapes_class(label) < 0) continue;
    object_of[k] = static_cast<int>(image.objects.size());
    const auto at = truth.distances.find(id);
    image.objects.push_back({label, id < 1000, pixels, at == truth.distances.end() ? CityscapesDistance{} : at->second});
  }
  for (const CityscapesPrediction& p : predictions) {
    if (cityscapes_class(p.label) < 0) continue;
    check(std::isfinite(p.score), "cityscapes evaluation: a score must be finite, got ", p.score);
    check(p.mask.image_height == truth.height && p.mask.image_width == truth.width, "cityscapes evaluation: expected a mask of ",
          truth.height, "x", truth.width, " pixels, as the image has, got ", p.mask.image_height, "x", p.mask.image_width);
    const std::vector<int64_t> under = counts.under(p.mask);
    Scored s{p.label, p.score, std::accumulate(under.begin(), under.end(), int64_t{0}), 0, {}};
    if (s.pixels == 0) continue;
    for (size_t k = 0; k < under.size(); ++k) {
      if (is_void[k]) s.void_pixels += under[k];
      if (under[k] == 0 || object_of[k] < 0) continue;
      const auto o = static_cast<size_t>(object_of[k]);
      if (image.objects[o].label == p.label)
        s.overlaps.push_back(
            {o, under[k], static_cast<double>(under[k]) / static_cast<double>(image.objects[o].pixels + s.pixels - under[k])});
    }
    image.predictions.push_back(std::move(s));
  }
}

CityscapesFigures CityscapesEvaluation::figures() const {
  CityscapesFigures out;
  out.distances = distances_;
  for (const int label : cityscapes_classes) {
    ClassResult c;
    for (size_t r = 0; r < (distances_ ? kRanges.size() : 1); ++r) {
      for (const Image& image : images_) c.objects[r] += image.counting(label, kRanges[r]);
      for (int t = 0; t < kThresholds; ++t) {
        std::vector<ScoredHit> hits;
        if (c.objects[r] > 0)
          for (const Image& image : images_) image.judge(label, kRanges[r], threshold(t), hits);
        std::ranges::sort(hits, std::greater<>(), &ScoredHit::score);
        c.ap[r][static_cast<size_t>(t)] = c.objects[r] > 0 ? stepped_ap(hits, c.objects[r]) : CityscapesAP::none;
      }
    }
    out.classes.push_back({cityscapes_label(label).name, label, c.figures(distances_), c.objects[0]});
  }
  for (const Member& m : kMembers) out.all.*m.value = mean_of(out.classes, m.value);
  return out;
}

std::string to_json(const CityscapesFigures& f) {
  JsonWriter j;
  const auto figures = [&](const CityscapesAP& of) {
    for (const Member& m : members(f)) j.field(m.name, of.*m.value);
  };
  j.object();
  figures(f.all);
  j.key("per_class").object();
  for (const CityscapesFigures::Class& c : f.classes) {
    j.key(c.name).object();
    figures(c.figures);
    j.end();
  }
  return j.end().end().take();
}

Table table_of(const CityscapesFigures& f) {
  Table t{.title = "Cityscapes' figures", .columns = {"class", "objects"}, .rows = {}, .decimals = 4};
  const auto row = [&](const std::string& name, int64_t objects, const CityscapesAP& of) {
    std::vector<Cell>& cells = t.rows.emplace_back(std::vector<Cell>{name, objects});
    for (const Member& m : members(f)) cells.push_back(std::isnan(of.*m.value) ? Cell(no_value) : Cell(of.*m.value));
  };
  for (const Member& m : members(f)) t.columns.emplace_back(m.name);
  int64_t objects = 0;
  for (const CityscapesFigures::Class& c : f.classes) {
    row(c.name, c.objects, c.figures);
    objects += c.objects;
  }
  row("all", objects, f.all);
  return t;
}

}  // namespace mr
