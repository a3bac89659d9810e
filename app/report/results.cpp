#include <algorithm>
#include <map>

#include "app/page/plot.h"
#include "app/report/sections.h"
#include "base/check.h"
#include "base/text.h"
#include "data/draw/detections.h"
#include "data/image/image.h"
#include "data/transforms/transforms.h"

namespace mr::app {
namespace {

constexpr size_t most_class_plots = 24;
constexpr int longest_side = 960;  // of a picture in the page

Svg precision_plot(const std::string& title, const PrecisionCurves& curves, double width, double height) {
  Plot plot{.title = title, .below = "recall", .across = {{0, 1}}, .up = {{0, 1}}, .width = width, .height = height};
  using Named = std::pair<const char*, const std::vector<double>*>;
  for (const auto& [name, precision] :
       {Named("IoU .50", &curves.iou50), Named("IoU .75", &curves.iou75), Named("mean of .50:.95", &curves.mean)}) {
    Curve& c = plot.curves.emplace_back(Curve{name});
    for (size_t k = 0; k < precision->size(); ++k)
      c.points.push_back({static_cast<double>(k) / static_cast<double>(precision->size() - 1), (*precision)[k]});
  }
  return draw(plot);
}

// Those with most objects first.
void add_class_precision(HtmlPage& page, const std::string& what, const CocoFigures& figures) {
  std::vector<const CocoFigures::Class*> classes;
  for (const CocoFigures::Class& c : figures.per_class)
    if (c.objects > 0) classes.push_back(&c);
  if (classes.size() < 2) return;
  std::ranges::stable_sort(classes, [](const auto* a, const auto* b) { return a->objects > b->objects; });
  page.subheading(what + ", class by class");
  if (classes.size() > most_class_plots) {
    page.say(str("The ", most_class_plots, " classes with most objects, of ", classes.size(), "."));
    classes.resize(most_class_plots);
  }
  std::vector<Svg> row;
  for (const CocoFigures::Class* c : classes)
    row.push_back(precision_plot(str(c->name, ", ", counted(c->objects, "object")), c->curves, 220, 130));
  page.figures(row);
}

// The picture no larger than the page shows it, with `instances`; `scores` of them, or none.
Image drawn_picture(Sample sample, std::vector<Instance> instances, const std::vector<double>& scores,
                    const std::vector<std::string>& names) {
  sample.instances = std::move(instances);
  const int longest = std::max(sample.image.height, sample.image.width);
  if (longest > longest_side) {
    const auto side = [longest](int n) { return std::max(static_cast<int>(int64_t{n} * longest_side / longest), 1); };
    resize(sample, side(sample.image.height), side(sample.image.width));
  }
  std::vector<DrawnDetection> objects = drawn(sample.instances);
  for (size_t i = 0; i < scores.size(); ++i) objects[i].score = static_cast<float>(scores[i]);
  DrawOptions options;
  options.colour_by_instance = names.size() == 1;
  draw_detections(sample.image, std::move(objects), names, options);
  return std::move(sample.image);
}

Instance instance_of(const CocoDetection& d, bool masks) {
  Instance out;
  out.label = d.label;
  out.box = {static_cast<float>(d.box.x), static_cast<float>(d.box.y), static_cast<float>(d.box.x + d.box.w),
             static_cast<float>(d.box.y + d.box.h)};
  if (masks) out.mask = rle_crop(d.mask);
  return out;
}

void add_picture(HtmlPage& page, const CocoJudgement& j, const std::vector<std::string>& names, const Confusions::Picture& judged,
                 const Sample& sample) {
  std::vector<Instance> found;
  std::vector<double> scores;
  for (const CocoDetection& d : j.detections)
    if (d.image_id == judged.image_id && d.score >= j.confusions.options.score) {
      found.push_back(instance_of(d, j.has_masks));
      scores.push_back(d.score);
    }
  const std::string file = sample.info.file.empty() ? "" : str(" (", sample.info.file, ")");
  page.pictures({drawn_picture(sample, sample.instances, {}, names), drawn_picture(sample, std::move(found), scores, names)},
                str("image ", judged.image_id, file, ": F ", short_number(judged.f()), ", ", judged.right, " right, ", judged.missing,
                    " missing, ", judged.wrong, " wrong"));
}

}  // namespace

void add_results(HtmlPage& page, const Evaluation& e) {
  page.heading("Results");
  std::string words = str("On ", counted(e.images, "picture"), ".");
  if (!e.skipped.empty()) append(words, str(" ", e.skipped.size(), " more could not be read, and do not count."));
  page.say(words);
  for (const Table& table : e.judgement->tables) page.table(table);
}

void add_precision(HtmlPage& page, const CocoJudgement& j) {
  page.heading("Precision and recall");
  page.say("Precision at each recall, made non-increasing and read at 0, .01 … 1, as COCO's AP averages it; a curve's area is its AP.");
  std::vector<Svg> row;
  if (j.has_masks && !j.segm.curves.mean.empty()) row.push_back(precision_plot("masks, all classes", j.segm.curves, 330, 200));
  if (j.has_boxes && !j.bbox.curves.mean.empty()) row.push_back(precision_plot("boxes, all classes", j.bbox.curves, 330, 200));
  if (row.empty()) return page.say("There are no objects to be found.");
  page.figures(row);
  if (j.has_masks) return add_class_precision(page, "Masks", j.segm);
  add_class_precision(page, "Boxes", j.bbox);
}

void add_worst_pictures(HtmlPage& page, const CocoJudgement& j, const Dataset& dataset, size_t most) {
  if (most == 0) return;
  page.heading("Worst pictures");
  const Confusions& c = j.confusions;
  const std::vector<Confusions::Picture> worst = worst_pictures(c, most);
  if (worst.empty()) return page.say("Every object was found, and nothing else.");
  page.say(str("By F, 2·right / (2·right + wrong + missing), of what was found with a score of ", c.options.score, " or more at ",
               c.options.type == CocoType::segm ? "mask" : "box", " IoU ", c.options.iou,
               " or more. On the left the objects, on the right what was found."));
  std::map<int64_t, int64_t> places;
  for (int64_t i = 0; i < dataset.size(); ++i) places.emplace(dataset.info(i).image_id, i);
  for (const Confusions::Picture& p : worst) add_picture(page, j, dataset.class_names(), p, dataset.sample(places.at(p.image_id)));
}

}  // namespace mr::app
