// What is decided about boxes: which object one is to learn, how it is written as four numbers, which of many is kept.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/explain/draw.h"
#include "app/explain/explain.h"
#include "app/usage.h"
#include "ops/boxes/box_coder.h"
#include "ops/boxes/iou.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/topk.h"

namespace mr::app {
namespace {

Box overlap(const Box& a, const Box& b) { return {std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)}; }

// ---- matching ----

// What the thresholds alone, and then the promotion, make of a box.
struct Verdict {
  int32_t plain, promoted;  // as match_boxes gives them
  bool is_promoted() const { return plain < 0 && promoted >= 0; }
};

const char* word_of(int32_t gt) { return gt >= 0 ? "positive" : gt == Match::between ? "not used" : "negative"; }
const std::string& colour_of(const Verdict& v) {
  return v.is_promoted() ? colour::taken : v.promoted >= 0 ? colour::good : v.promoted == Match::between ? colour::lost : colour::soft;
}

Svg anchor_panel(int64_t k, const Box& anchor, std::span<const Box> objects, int64_t best, double iou_, const Verdict& v) {
  const Plane p{.scale = 0.85, .view = {0, 0, 200, 130}};
  Svg svg(p.right() + 10, p.bottom() + 26);
  p.draw(svg, fmt::format("anchor {}: {}", k, v.is_promoted() ? "promoted" : word_of(v.promoted)));
  for (const Box& o : objects) p.box(svg, o, {.fill = "#fae3c8", .stroke = colour::box, .width = 1});
  if (iou_ > 0) p.box(svg, overlap(anchor, objects[static_cast<size_t>(best)]), {.fill = colour_of(v), .opacity = 0.45});
  p.box(svg, anchor, {.stroke = colour_of(v), .width = 2.5});
  for (size_t g = 0; g < objects.size(); ++g) {
    const Point at = p.at(objects[g].x1, objects[g].y1);
    svg.text_over(at.x + 4, at.y + 11, std::string(1, static_cast<char>('A' + g)), 10, colour::ink);
  }
  svg.text(p.x, p.bottom() + 15,
           iou_ > 0 ? fmt::format("IoU with {}: {}", static_cast<char>('A' + best), short_number(iou_, 4)) : "touches no object", 11,
           colour::ink);
  return svg;
}

// ---- suppression ----

struct Candidate {
  Box box;
  float score;
  int32_t group;
};

struct Suppression {
  std::vector<int32_t> order, kept, kept_by_class;  // indices of boxes, best first
  std::vector<int32_t> because;                     // of each box, the kept one that took it; −1: it is kept
  Tensor iou;
};

constexpr int64_t classes_of_boxes = 2;  // dog and person

std::vector<int32_t> kept_by_class(const Tensor& boxes, const Tensor& scores, std::span<const int32_t> classes, double threshold) {
  const Candidates c = candidates_of(boxes, scores, classes, classes_of_boxes);
  std::vector<int32_t> kept = places_of_image(nms(c, threshold, boxes.size(0)));
  for (int32_t& place : kept) place /= static_cast<int32_t>(classes_of_boxes);
  return kept;
}

Suppression suppress(const Tensor& boxes, const Tensor& scores, std::span<const int32_t> classes, double threshold) {
  Suppression s{best_places(scores.values<float>(), scores.size(0)),
                places_of_image(nms(candidates_of(boxes, scores), threshold, boxes.size(0))),
                kept_by_class(boxes, scores, classes, threshold),
                {},
                {}};
  s.iou = box_iou(boxes, boxes);
  const int64_t n = boxes.size(0);
  for (int64_t i = 0; i < n; ++i) {
    const bool stays = std::ranges::count(s.kept, i) > 0;
    const auto taker = std::ranges::find_if(s.kept, [&](int32_t k) { return s.iou.at(k * n + i) > threshold; });
    s.because.push_back(stays || taker == s.kept.end() ? -1 : *taker);
  }
  return s;
}

// The picture after the first `step` boxes were kept and the next one speaks.
Svg suppression_panel(const Suppression& s, std::span<const Candidate> boxes, size_t step, double threshold) {
  const Plane p{.scale = 2.1, .view = {10, 10, 170, 84}};
  Svg svg(p.right() + 14, p.bottom() + 30);
  const int32_t now = s.kept[step];
  const auto n = static_cast<int64_t>(boxes.size());
  p.draw(svg, fmt::format("{}. box {}, score {}, is kept", step + 1, now, short_number(boxes[static_cast<size_t>(now)].score)));
  const auto rank = [&](int32_t k) { return std::ranges::find(s.kept, k) - s.kept.begin(); };
  std::string taken;
  for (int64_t i = 0; i < n; ++i) {
    const int32_t cause = s.because[static_cast<size_t>(i)];
    if (cause >= 0 && rank(cause) < static_cast<ptrdiff_t>(step)) continue;  // gone before
    const bool before = cause < 0 && rank(static_cast<int32_t>(i)) < static_cast<ptrdiff_t>(step);
    const bool goes = cause == now;
    if (goes) taken += fmt::format("{}{} (IoU {})", taken.empty() ? "" : ", ", i, short_number(s.iou.at(now * n + i), 4));
    const std::string& stroke = i == now ? colour::good : goes ? colour::box : before ? colour::taken : colour::soft;
    const Box& b = boxes[static_cast<size_t>(i)].box;
    p.box(svg, b, {.stroke = stroke, .width = i == now ? 3.0 : 1.4, .dashed = goes});
    const Point at = i == 4 ? p.at(b.x1, b.y1) : p.at(b.x1, b.y2);  // each number in a corner of its own
    svg.text(at.x + 5, at.y + (i == 4 ? 14 : -5), std::to_string(i), 12, stroke, Anchor::start, true);
  }
  svg.text(
      p.x, p.bottom() + 17,
      taken.empty() ? fmt::format("no box that is left overlaps it by more than {}", short_number(threshold, 4)) : "takes with it " + taken,
      12, colour::ink);
  return svg;
}

}  // namespace

Page explain_matching() {
  constexpr float high = 0.7f, low = 0.3f;
  const std::vector<Box> objects = {{20, 20, 100, 100}, {130, 40, 150, 60}, {40, 84, 60, 98}, {170, 8, 190, 28}};
  const std::vector<Box> anchors = {{20, 20, 100, 90},  {20, 44, 100, 100}, {36, 20, 116, 100}, {20, 20, 68, 60},
                                    {68, 20, 148, 100}, {124, 34, 156, 66}, {126, 32, 158, 64}, {160, 86, 192, 118}};
  const Tensor g = tensor_of(objects), a = tensor_of(anchors), iou_ = box_iou(a, g);
  const BoxList list{g.reshape({1, g.size(0), 4}), Tensor::full({1}, static_cast<double>(objects.size()), DType::i32)};
  const Tensor plain = match_boxes(list, a, {}, high, low, false), promoted = match_boxes(list, a, {}, high, low, true);

  Page page;
  page.title = "Matching: eight anchors, four objects, thresholds 0.7 and 0.3";
  page.say(
      "IoU is the area that two boxes share, divided by the area that they cover together. Anchor 2 and object A, both 80 × 80 and 16 "
      "apart: 64 · 80 = 5120 shared, 6400 + 6400 − 5120 = 7680 covered, 0.6667.");
  page.say(
      "An anchor's best object decides. From 0.7 on it is positive, below 0.3 negative; between the two, 0.3 itself included, it is not "
      "used in training. (Some texts have it negative at 0.3 too; the paper and the code say below.)");
  Table& t = page.table("", {"anchor", "box", "IoU: A", "B", "C", "D", "best", "by thresholds", "with promotion"});
  std::vector<Svg> panels;
  for (size_t i = 0; i < anchors.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    const auto v = [&](int64_t o) { return iou_.at(4 * k + o); };
    int64_t best = 0;
    for (int64_t o = 1; o < 4; ++o)
      if (v(o) > v(best)) best = o;
    const Verdict verdict{plain.data<int32_t>()[i], promoted.data<int32_t>()[i]};
    t.rows.push_back(
        {k, corners(anchors[i]), v(0), v(1), v(2), v(3), v(best) > 0 ? std::string(1, static_cast<char>('A' + best)) : "–",
         word_of(verdict.plain),
         verdict.promoted >= 0 ? fmt::format("positive, {}", static_cast<char>('A' + verdict.promoted)) : word_of(verdict.promoted)});
    panels.push_back(anchor_panel(k, anchors[i], objects, best, v(best), verdict));
  }
  page.say(
      "B is small: no anchor reaches 0.7 with it, and it would never be learnt. So each object promotes its best anchors, whatever their "
      "IoU, if it is above 0. Anchors 5 and 6 are equally good for B, and both become positive.");
  page.say(
      "A promoted anchor learns its own best object. C's best is anchor 1, which is A's, so C gets none here. D touches no anchor: its "
      "maximum is 0, and it promotes none. Without \"above 0\" every anchor that does not touch D would equal its maximum and be positive: "
      "all eight.");
  page.figure =
      captioned(tiled(panels, 4), {"Red: the objects A … D. Thick: the anchor, green where positive, yellow not used, grey negative, blue "
                                   "promoted. Filled: what both share.",
                                   "The picture is 200 × 130 pixels."});
  return page;
}

Page explain_box_coder(const std::optional<Box>& box) {
  const Box anchor{10, 20, 50, 100};
  Box object{15, 30, 65, 90};
  if (box) {
    object = *box;
    check_usage(object.width() > 0 && object.height() > 0, "explain: box-coder: --box must have a width and a height above 0");
  }
  const BoxCoder plain, weighted{10, 10, 5, 5};
  const Tensor a = tensor_of(std::vector{anchor}), g = tensor_of(std::vector{object});
  const Tensor d = plain.encode(g, a), dw = weighted.encode(g, a), back = weighted.decode(dw, a);

  Page page;
  page.title = fmt::format("Box coder: the box {} seen from the anchor {}", corners(object), corners(anchor));
  page.say("dx = (gx − ax)/aw, dw = ln(gw/aw), alike in y and h; gx is the middle of the box, gw its width, ax and aw the anchor's.");
  Table& t = page.table("", {"delta", "of", "anchor", "box", "delta (RPN)", "weight", "delta · weight (box head)"});
  const auto middle = [](float lo, float hi) { return (static_cast<double>(lo) + hi) / 2; };
  const auto row = [&](const char* name, const char* of, double from, double to, int64_t k, float weight) {
    t.rows.push_back({name, of, from, to, d.at(k), static_cast<double>(weight), dw.at(k)});
  };
  row("dx", "middle, x", middle(anchor.x1, anchor.x2), middle(object.x1, object.x2), 0, weighted.wx);
  row("dy", "middle, y", middle(anchor.y1, anchor.y2), middle(object.y1, object.y2), 1, weighted.wy);
  row("dw", "width", anchor.width(), object.width(), 2, weighted.ww);
  row("dh", "height", anchor.height(), object.height(), 3, weighted.wh);
  const Tensor inclusive = BoxCoder{10, 10, 5, 5, 1}.encode(g, a);
  page.say(
      fmt::format("Fast R-CNN and Detectron count a box's corners as pixels that belong to it, so a side is one longer: the last column "
                  "would be {}, {}, {}, {}. "
                  "Weights trained that way want it (extent = 1).",
                  number(inclusive.at(0)), number(inclusive.at(1)), number(inclusive.at(2)), number(inclusive.at(3))));
  page.say(
      "Divided by the anchor's sides, a shift means the same for small anchors and for large ones; the logarithm makes twice and half as "
      "wide equally far from 0, and keeps decoded sides positive. The weights bring the four to about unit variance.");
  Table& b = page.table("Decoded again", {"", "x1", "y1", "x2", "y2"});
  b.rows.push_back({"box", back.at(0), back.at(1), back.at(2), back.at(3)});
  page.say(
      "e^dw grows fast, and an untrained network may say anything: dw and dh are cut off at ln(1000/16) = 4.1352 before the exponential, "
      "so that no box is more than 62.5 times as long as its anchor.");
  const auto width_at = [&](double delta) {
    const Tensor out = plain.decode(Tensor::of<float>({1, 4}, {0, 0, static_cast<float>(delta), 0}), a);
    return out.at(2) - out.at(0);
  };
  Table& c = page.table("Decoded width of the anchor, 40 pixels wide", {"dw", "width"});
  for (const double delta : {-1.0, 0.0, 1.0, 4.0, 5.0, 10.0}) c.rows.push_back({delta, width_at(delta)});

  const Box all{std::min(anchor.x1, object.x1) - 8, std::min(anchor.y1, object.y1) - 8, std::max(anchor.x2, object.x2) + 8,
                std::max(anchor.y2, object.y2) + 8};
  const Plane p{.scale = 290 / static_cast<double>(std::max(all.width(), all.height())), .view = all};
  const std::string title = "anchor (dashed) and box";
  const Axes axes{.x = std::max(p.right() + 70, p.x + text_width(title, 13, true) + 30),
                  .width = 260,
                  .height = 250,
                  .from = -2,
                  .to = 7,
                  .low = 0,
                  .high = 3000};
  Svg svg(axes.x + axes.width + 16, std::max(p.bottom() + 124, axes.y + axes.height + 44));
  p.draw(svg, title);
  p.box(svg, anchor, {.stroke = colour::taken, .width = 2, .dashed = true});
  p.box(svg, object, {.stroke = colour::box, .width = 2});
  const Point from = p.at(middle(anchor.x1, anchor.x2), middle(anchor.y1, anchor.y2)),
              to = p.at(middle(object.x1, object.x2), middle(object.y1, object.y2));
  svg.circle(from, 4, {.fill = colour::taken});
  svg.circle(to, 4, {.fill = colour::box});
  const double far = std::hypot(to.x - from.x, to.y - from.y), tip = far > 12 ? (far - 5) / far : 0;  // the head ends before the dot
  svg.arrow(from, {from.x + tip * (to.x - from.x), from.y + tip * (to.y - from.y)}, {.stroke = colour::ink, .width = 1.6});
  double y = p.bottom() + 20;
  svg.text(p.x, y, fmt::format("anchor {} pixels", corners(anchor)), 12, colour::taken);
  svg.text(p.x, y + 17, fmt::format("box {} pixels", corners(object)), 12, colour::box);
  y += 34;
  for (const auto& r : t.rows) {
    const auto value = [&](size_t k) { return short_number(std::get<double>(r[k]), 4); };
    const std::string name = std::get<std::string>(r[0]);
    const std::string aw = short_number(name == "dx" ? anchor.width() : anchor.height());
    svg.text(p.x, y,
             name == "dx" || name == "dy" ? fmt::format("{} = ({} − {})/{} = {}", name, value(3), value(2), aw, value(4))
                                          : fmt::format("{} = ln({}/{}) = {}", name, value(3), value(2), value(4)),
             12, colour::ink);
    y += 17;
  }
  axes.draw(svg, "decoded width, px (anchor: 40)", "dw", {-2, 0, 2, 4, 6}, {0, 1000, 2000, 2500});
  axes.curve(svg, width_at, {.stroke = colour::taken, .width = 2}, 361);
  page.figure = svg;
  return page;
}

Page explain_nms(double threshold) {
  check_usage(threshold >= 0 && threshold <= 1, "explain: nms: --threshold must be 0 … 1, got ", threshold);
  const std::vector<Candidate> candidates = {{{20, 20, 60, 60}, 0.9f, 0},   {{30, 20, 70, 60}, 0.8f, 0},    {{40, 20, 80, 60}, 0.7f, 0},
                                             {{20, 20, 60, 40}, 0.6f, 0},   {{110, 24, 150, 64}, 0.95f, 0}, {{118, 24, 158, 64}, 0.5f, 0},
                                             {{110, 34, 150, 74}, 0.65f, 1}};
  const char* classes[] = {"person", "dog"};
  std::vector<Box> boxes;
  std::vector<float> scores;
  std::vector<int32_t> groups;
  for (const Candidate& c : candidates) {
    boxes.push_back(c.box);
    scores.push_back(c.score);
    groups.push_back(c.group);
  }
  const auto n = static_cast<int64_t>(boxes.size());
  const Suppression s = suppress(tensor_of(boxes), Tensor::of<float>({n}, scores), groups, threshold);

  Page page;
  page.title = fmt::format("Non-maximum suppression of seven boxes, threshold {}", short_number(threshold, 4));
  page.say(
      "The best score speaks first. A box is kept unless its IoU with one that was kept before it is greater than the threshold. Then the "
      "next best, until none is left.");
  Table& t =
      page.table("In falling order of score", {"box", "corners", "class", "score", "nms", "taken by", "their IoU", "with classes apart"});
  for (const int32_t i : s.order) {
    const auto k = static_cast<size_t>(i);
    const int32_t by = s.because[k];
    t.rows.push_back({int64_t{i}, corners(boxes[k]), classes[groups[k]], static_cast<double>(scores[k]),
                      std::ranges::count(s.kept, i) ? "kept" : "gone", by < 0 ? "–" : std::to_string(by),
                      by < 0 ? "–" : number(s.iou.at(by * n + i)), std::ranges::count(s.kept_by_class, i) ? "kept" : "gone"});
  }
  if (threshold == 0.5) {
    page.say(
        "Box 1 is gone when box 2 is looked at, so it takes nothing with it: 2 overlaps 1 by 0.6, but 0 only by 0.3333. Box 3 is the upper "
        "half of box 0, an IoU of exactly 0.5: it stays, for the rule is \"greater than\". Box 6 is a dog over a person: where each class "
        "is thinned by itself, as at the end of Mask R-CNN, it stays.");
    page.say(
        "Two objects of one class that overlap by more than the threshold cannot both be found: the price of the method, and the reason "
        "for the choice of 0.5 at the end, and of 0.7 for proposals.");
  }
  std::vector<Svg> panels;
  for (size_t step = 0; step < s.kept.size(); ++step) panels.push_back(suppression_panel(s, candidates, step, threshold));
  page.figure =
      captioned(tiled(panels, 2), {"Green: is kept now. Red, dashed: goes with it. Blue: was kept before. Grey: waits for its turn."});
  return page;
}

}  // namespace mr::app
