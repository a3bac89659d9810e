#include "data/draw/detections.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>

#include "base/check.h"
#include "data/draw/font.h"
#include "data/draw/label_places.h"
#include "data/draw/legend.h"
#include "data/transforms/transforms.h"

namespace mr {

namespace {

// Hue in turns, lightness and colourfulness from 0 to 1.
Rgb from_hue(double hue, double lightness, double colourfulness) {
  const double chroma = (1 - std::abs(2 * lightness - 1)) * colourfulness;
  const auto channel = [&](double shift) {
    const double t = (hue + shift - std::floor(hue + shift)) * 6;
    const double level = std::clamp(std::abs(t - 3) - 1, 0.0, 1.0);
    return static_cast<uint8_t>(std::lround(255 * (lightness + chroma * (level - 0.5))));
  };
  return {channel(0), channel(2.0 / 3), channel(1.0 / 3)};
}

// Of WCAG 2: what the eye sees of a colour of sRGB, 0 … 1.
double luminance(Rgb c) {
  const auto linear = [](uint8_t v) {
    const double s = v / 255.0;
    return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
}

int longer_side(const Image& image) { return std::max(image.height, image.width); }

// Of letters. A glyph of scale 1 is 5 × 7 pixels: too small to read at ease.
int text_scale(const Image& image) {
  return std::max(longer_side(image) >= 500 ? 2 : 1, static_cast<int>(std::lround(longer_side(image) / 700.0)));
}

void check_detections(std::span<const DrawnDetection> detections, size_t classes, const DrawOptions& options) {
  for (const DrawnDetection& d : detections) {
    check(d.label >= 1 && d.label <= static_cast<int>(classes), "draw_detections: label must be from 1 to ", classes, ", got ", d.label);
    const Box& b = d.box;
    check(std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2),
          "draw_detections: box must be finite, got ", b.x1, " ", b.y1, " ", b.x2, " ", b.y2);
  }
  check(options.scale >= 0 && std::isfinite(options.scale), "draw_detections: scale must be at least 0, got ", options.scale);
  check(options.line >= 0, "draw_detections: line must be at least 0, got ", options.line);
}

void rescale(Image& image, std::vector<DrawnDetection>& detections, double scale) {
  const auto side = [scale](int n) { return std::max(static_cast<int>(std::lround(n * scale)), n > 0 ? 1 : 0); };
  const int height = side(image.height), width = side(image.width);
  if (height == image.height && width == image.width) return;
  const float sy = static_cast<float>(height) / static_cast<float>(image.height),
              sx = static_cast<float>(width) / static_cast<float>(image.width);
  for (DrawnDetection& d : detections) {
    d.box = {d.box.x1 * sx, d.box.y1 * sy, d.box.x2 * sx, d.box.y2 * sy};
    d.mask = cropped(d.mask, {0, 0, image.height, image.width}, height, width);
  }
  image = resized(image, height, width);
}

// The detections with what their drawing is to look like.
class Drawing {
 public:
  Drawing(Image& image, std::span<const DrawnDetection> detections, const std::vector<std::string>& class_names, const DrawOptions& options)
      : image_(image), detections_(detections), class_names_(class_names), options_(options), letters_(text_scale(image)) {
    const size_t n = detections.size();
    surest_first_.resize(n);
    std::iota(surest_first_.begin(), surest_first_.end(), size_t{0});
    std::stable_sort(surest_first_.begin(), surest_first_.end(),
                     [&](size_t a, size_t b) { return detections[a].score > detections[b].score; });
    std::map<int, int> seen;
    for (const DrawnDetection& d : detections) {
      const int k = seen[options.colour_by_instance ? 0 : d.label]++;
      colours_.push_back(options.colour_by_instance ? class_colour(k + 1) : class_colour(d.label, k));
    }
  }

  void shapes() {
    for (size_t k = surest_first_.size(); k-- > 0;) {
      const size_t i = surest_first_[k];
      if (options_.masks) fill_mask(image_, detections_[i].mask, colours_[i], options_.mask_alpha);
      if (options_.contours) draw_contour(image_, detections_[i].mask, line(i), colours_[i]);
    }
    if (!options_.boxes) return;
    for (size_t k = surest_first_.size(); k-- > 0;) {
      const size_t i = surest_first_[k];
      draw_rectangle(image_, detections_[i].box, line(i), colours_[i], 0.9);
    }
  }

  void labels() {
    std::vector<std::string> texts(detections_.size());
    std::vector<LabelledObject> objects;
    for (const size_t i : surest_first_) {
      const DrawnDetection& d = detections_[i];
      texts[i] = options_.labels == LabelStyle::ids ? std::to_string(i + 1) : name_and_score(d);
      objects.push_back({d.box, &d.mask, {text_height(letters_) + letters_, text_width(texts[i], letters_) + 4 * letters_}});
    }
    const auto places = place_labels({image_.height, image_.width}, objects);
    labelled_.assign(detections_.size(), false);
    for (size_t k = 0; k < places.size(); ++k) {
      if (!places[k]) continue;
      const size_t i = surest_first_[k];
      label(*places[k], texts[i], colours_[i]);
      labelled_[i] = true;
    }
  }

  // After the labels, whose lack it makes good. A picture of a few letters' width has no room for one.
  void legend_below() {
    if (image_.width < 16 * glyph_advance * letters_) return;
    const bool ids = options_.labels == LabelStyle::ids;
    if (!ids && std::find(labelled_.begin(), labelled_.end(), false) == labelled_.end()) return;
    Image strip = legend(ids ? every_object() : every_class(), image_.width, letters_);
    if (ids && strip.height > image_.height / 2) strip = legend(every_class(), image_.width, letters_);
    append_below(image_, strip);
  }

 private:
  int line(size_t i) const {
    if (options_.line > 0) return options_.line;
    const int usual = std::max(1, static_cast<int>(std::lround(longer_side(image_) / 600.0)));
    const Box& b = detections_[i].box;
    return static_cast<int>(std::clamp(std::min(b.width(), b.height()) / 16, 1.0f, static_cast<float>(usual)));
  }

  // A name that the font cannot show would be question marks.
  std::string name(int class_label) const {
    return in_font(class_names_[static_cast<size_t>(class_label - 1)]).value_or(str("class ", class_label));
  }

  std::string name_and_score(const DrawnDetection& d) const {
    if (!options_.scores || d.score < 0) return name(d.label);
    char score[16];
    std::snprintf(score, sizeof score, " %.2f", static_cast<double>(d.score));
    return name(d.label) + score;
  }

  void label(const PixelBox& at, const std::string& text, Rgb colour) {
    const Box plate{static_cast<float>(at.x0), static_cast<float>(at.y0), static_cast<float>(at.x1), static_cast<float>(at.y1)};
    fill_rectangle(image_, plate, colour);
    draw_text(image_, at.y0 + letters_, at.x0 + 2 * letters_, text, text_colour(colour), letters_);
  }

  // How many there are of each class or, where the labels are numbers, which they are: 1-4, 7, 9-12.
  std::vector<LegendEntry> every_class() const {
    struct Class {
      std::vector<size_t> objects;
      size_t labelled = 0;
    };
    std::map<int, Class> classes;
    for (size_t i = 0; i < detections_.size(); ++i) {
      Class& c = classes[detections_[i].label];
      c.objects.push_back(i);
      c.labelled += labelled_[i];
    }
    const bool ids = options_.labels == LabelStyle::ids;
    std::vector<LegendEntry> entries;
    for (const auto& [class_label, c] : classes) {
      std::vector<Rgb> colours;
      for (size_t k = 0; k < std::min<size_t>(c.objects.size(), 3); ++k) colours.push_back(colours_[c.objects[k]]);
      const size_t without = c.objects.size() - c.labelled;
      const std::string lack = without > 0 ? str("; ", without, ids ? " without a number" : " without a label") : "";
      entries.push_back({colours, str(name(class_label), ": ", ids ? runs(c.objects) : std::to_string(c.objects.size()), lack)});
    }
    return entries;
  }

  static std::string runs(const std::vector<size_t>& objects) {
    std::string text;
    for (size_t k = 0; k < objects.size();) {
      size_t end = k + 1;
      while (end < objects.size() && objects[end] == objects[end - 1] + 1) ++end;
      text += str(k > 0 ? ", " : "", objects[k] + 1);
      if (end > k + 1) text += str("-", objects[end - 1] + 1);
      k = end;
    }
    return text;
  }

  std::vector<LegendEntry> every_object() const {
    std::vector<LegendEntry> entries;
    bool all = true;
    for (size_t i = 0; i < detections_.size(); ++i) {
      const std::string number = labelled_[i] ? std::to_string(i + 1) : str("(", i + 1, ")");
      entries.push_back({{colours_[i]}, str(number, " ", name_and_score(detections_[i]))});
      all = all && labelled_[i];
    }
    if (!all) entries.push_back({{}, "(n): no room for its number"});
    return entries;
  }

  Image& image_;
  std::span<const DrawnDetection> detections_;
  const std::vector<std::string>& class_names_;
  const DrawOptions& options_;
  int letters_;                       // the scale of the font
  std::vector<size_t> surest_first_;  // indices of detections
  std::vector<Rgb> colours_;
  std::vector<bool> labelled_;
};

}  // namespace

double drawing_scale(PixelSize picture) {
  const int longer = std::max({picture.height, picture.width, 1});
  return longer >= 800 ? 1 : std::clamp(std::round(1000.0 / longer), 1.0, 8.0);
}

// Ten hues told apart at a glance, then any number of them, a golden section apart.
Rgb class_colour(int label, int instance) {
  static constexpr double hues[] = {0.6, 0.23, 0.91, 0.5, 0.11, 0.73, 0.38, 0.02, 0.16, 0.82};
  static constexpr double shades[] = {0.56, 0.68, 0.47, 0.62, 0.52, 0.74, 0.43, 0.65};
  const double hue = label >= 1 && label <= 10 ? hues[label - 1] : 0.02 + 0.61803398875 * static_cast<double>(label);
  return from_hue(hue, shades[static_cast<unsigned>(instance) % 8], 0.85);
}

// Contrast is (brighter + 0.05) / (darker + 0.05) of the luminances: 1.05 / (l + 0.05) against white, (l + 0.05) / 0.05 against black.
Rgb text_colour(Rgb plate) {
  const double l = luminance(plate) + 0.05;
  return l / 0.05 > 1.05 / l ? Rgb{0, 0, 0} : Rgb{255, 255, 255};
}

std::vector<DrawnDetection> drawn(const std::vector<Instance>& instances) {
  std::vector<DrawnDetection> out;
  for (const Instance& i : instances) out.push_back({i.box, i.label, -1, i.mask});
  return out;
}

void draw_detections(Image& image, std::vector<DrawnDetection> detections, const std::vector<std::string>& class_names,
                     const DrawOptions& options) {
  check_detections(detections, class_names.size(), options);
  rescale(image, detections, options.scale > 0 ? options.scale : drawing_scale({image.height, image.width}));
  Drawing drawing(image, detections, class_names, options);
  drawing.shapes();
  if (options.labels == LabelStyle::none) return;
  drawing.labels();
  drawing.legend_below();
}

}  // namespace mr
