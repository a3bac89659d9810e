// What can be seen of the figures of mrcnn explain: no text on another, none cut off, none that a line or a dot goes through.
#include <array>
#include <cmath>
#include <map>
#include <sstream>

#include "base/check.h"
#include "tests/app/explain.h"

using namespace mr;
using nlohmann::json;

namespace {

struct Area {
  double x0, y0, x1, y1;
  Area shrunk(double by) const { return {x0 + by, y0 + by, x1 - by, y1 - by}; }
};
bool meet(const Area& a, const Area& b) { return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1; }

struct Text {
  std::string words;
  Area area;
  bool rim;  // a white one, which lines may pass under
};
struct Segment {
  double x0, y0, x1, y1;
};

struct Figure {
  double width = 0, height = 0;
  std::vector<Text> texts;
  std::vector<Segment> lines;  // but for the pale ones of grids
  std::vector<Area> dots;
  std::vector<Area> cells;  // squares of grids
};

std::string attribute(const std::string& element, const std::string& name) {
  const size_t at = element.find(" " + name + "=\"");
  if (at == std::string::npos) return "";
  const size_t from = at + name.size() + 3;
  return element.substr(from, element.find('"', from) - from);
}
double value(const std::string& element, const std::string& name) {
  const std::string v = attribute(element, name);
  return v.empty() ? 0 : std::stod(v);
}

// Of a usual font without serifs.
double width_of(const std::string& words, double size, bool bold) {
  double ems = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const char c = words[i];
    if (c == '&') i = words.find(';', i);  // &lt;
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
    ems += std::string(" .,:;'|!iIjl()[]/-").find(c) != std::string::npos ? 0.34
           : std::string("mwMW").find(c) != std::string::npos             ? 0.9
                                                                          : 0.58;
  }
  return ems * size * (bold ? 1.08 : 1);
}

Text text_of(const std::string& element, double dx, double dy) {
  const size_t from = element.find('>') + 1;
  const std::string words = element.substr(from, element.find("</text>") - from), anchor = attribute(element, "text-anchor");
  const double size = value(element, "font-size"), width = width_of(words, size, attribute(element, "font-weight") == "bold");
  const double x = value(element, "x") + dx - (anchor == "middle" ? width / 2 : anchor == "end" ? width : 0), y = value(element, "y") + dy;
  return {words, {x, y - 0.72 * size, x + width, y}, attribute(element, "paint-order") == "stroke"};
}

// An element stands on a line of its own.
Figure figure_of(const std::string& svg) {
  const std::string grid = "#d9e2ec";
  Figure f;
  f.width = value(svg.substr(0, svg.find('>')), "width");
  f.height = value(svg.substr(0, svg.find('>')), "height");
  std::vector<std::array<double, 2>> moved = {{0, 0}};
  std::istringstream in(svg);
  for (std::string e; std::getline(in, e);) {
    const auto [dx, dy] = moved.back();
    const bool pale = attribute(e, "stroke") == grid;
    const auto v = [&](const char* name) { return value(e, name) + (name[0] == 'x' || name[1] == 'x' ? dx : dy); };
    if (e.rfind("<g ", 0) == 0) {
      double x = 0, y = 0;
      REQUIRE(std::sscanf(attribute(e, "transform").c_str(), "translate(%lf %lf)", &x, &y) == 2);
      moved.push_back({dx + x, dy + y});
    } else if (e == "</g>") {
      moved.pop_back();
    } else if (e.rfind("<text ", 0) == 0) {
      f.texts.push_back(text_of(e, dx, dy));
    } else if (e.rfind("<line ", 0) == 0 && !pale) {
      f.lines.push_back({v("x1"), v("y1"), v("x2"), v("y2")});
    } else if (e.rfind("<circle ", 0) == 0) {
      const double r = value(e, "r");
      f.dots.push_back({v("cx") - r, v("cy") - r, v("cx") + r, v("cy") + r});
    } else if (e.rfind("<rect ", 0) == 0 && !attribute(e, "stroke").empty()) {
      const double x = v("x"), y = v("y"), right = x + value(e, "width"), bottom = y + value(e, "height");
      if (pale)
        f.cells.push_back({x, y, right, bottom});
      else
        for (const Segment& s : {Segment{x, y, right, y}, {x, bottom, right, bottom}, {x, y, x, bottom}, {right, y, right, bottom}})
          f.lines.push_back(s);
    }
  }
  return f;
}

// Whether the segment has a point in the area (Liang and Barsky's clipping).
bool crosses(const Segment& s, const Area& a) {
  double from = 0, to = 1;
  const double p[] = {s.x0 - s.x1, s.x1 - s.x0, s.y0 - s.y1, s.y1 - s.y0}, q[] = {s.x0 - a.x0, a.x1 - s.x0, s.y0 - a.y0, a.y1 - s.y0};
  for (int k = 0; k < 4; ++k) {
    if (p[k] == 0 && q[k] < 0) return false;
    if (p[k] < 0) from = std::max(from, q[k] / p[k]);
    if (p[k] > 0) to = std::min(to, q[k] / p[k]);
  }
  return from < to;
}

// What a reader would stumble over.
std::vector<std::string> faults(const Figure& f) {
  std::vector<std::string> found;
  for (const Segment& s : f.lines)
    if (std::min({s.x0, s.x1, s.y0, s.y1}) < 0 || std::max(s.x0, s.x1) > f.width || std::max(s.y0, s.y1) > f.height) {
      found.emplace_back("a line out of the figure");
      break;
    }
  for (size_t i = 0; i < f.texts.size(); ++i) {
    const Text& t = f.texts[i];
    const Area a = t.area.shrunk(1);
    if (t.area.x0 < 0 || t.area.y0 < 0 || t.area.x1 > f.width || t.area.y1 > f.height) found.push_back("cut off: " + t.words);
    for (size_t k = 0; k < i; ++k)
      if (meet(a, f.texts[k].area.shrunk(1))) found.push_back(str("on one another: ", t.words, " and ", f.texts[k].words));
    for (const Area& d : f.dots)
      if (meet(a, d.shrunk(1))) found.push_back("a dot on: " + t.words);
    if (t.rim) continue;
    for (const Segment& s : f.lines)
      if (crosses(s, a)) {
        found.push_back("a line through: " + t.words);
        break;
      }
  }
  return found;
}

Figure figure_from(const std::string& arguments) {
  const std::string file = folder() + "/seen.svg";
  const Result r = mrcnn("explain " + arguments + " --overwrite --figure " + file);
  INFO(arguments << ": " << r.err);
  REQUIRE(r.status == 0);
  return figure_of(read_text_file(file));
}

void check_figure(const std::string& arguments) {
  const Figure f = figure_from(arguments);
  INFO(arguments);
  CHECK(f.texts.size() > 1);
  CHECK(faults(f) == std::vector<std::string>());
}

bool shows(const Figure& f, const std::string& words) {
  return std::any_of(f.texts.begin(), f.texts.end(), [&](const Text& t) { return t.words.find(words) != std::string::npos; });
}

// The names that explain --help lists.
std::vector<std::string> topics() {
  std::istringstream help(mrcnn("explain --help").out);
  std::vector<std::string> names;
  std::string line;
  while (std::getline(help, line) && line != "Topics:") continue;
  while (std::getline(help, line) && line.rfind("  ", 0) == 0) names.push_back(line.substr(2, line.find(' ', 2) - 2));
  REQUIRE(names.size() > 25);
  return names;
}

// The largest and the smallest side of a grid's square.
std::pair<double, double> cell_sides(const Figure& f) {
  std::pair<double, double> sides{0, 1e9};
  for (const Area& c : f.cells) sides = {std::max(sides.first, c.x1 - c.x0), std::min(sides.second, c.x1 - c.x0)};
  return sides;
}

}  // namespace

TEST_CASE("explain: in every figure each text can be read", "[explain]") {
  const std::vector<std::string> operators = {"roi_align", "roi_pool",     "roi_pool_disjoint", "roi_pool_truncated",
                                              "roi_warp",  "roi_warp_mnc", "crop_and_resize",   "precise_roi_pool"};
  for (const std::string& topic : topics()) {
    if (topic == "rpn" || topic == "gradients") continue;  // one wants a trained model, the other has no figure
    if (std::find(operators.begin(), operators.end(), topic) == operators.end()) {
      check_figure(topic);
      continue;
    }
    for (const char* box : {" --box 40,30,330,262 --stride 32 --size 4", " --box=-100,-60,60,60 --size 3"})
      check_figure(topic + box + " --gradient");
    check_figure(topic + " --box 40,30,330,262");
  }
  check_figure("roi_align --box 40,30,330,262 --stride 32 --size 4 --compare");
  for (const char* box : {"0,60,10,70", "0,0,300,20", "0,0,20,300", "5,5,6,6"}) check_figure(str("box-coder --box ", box));
  check_figure("nms --threshold 0.9");
}

TEST_CASE("explain: figures that are faulty are seen to be", "[explain]") {
  const auto found = [](const std::string& elements) {
    return faults(figure_of("<svg width=\"100\" height=\"50\">\n" + elements + "\n</svg>\n")).size();
  };
  const std::string text = R"(<text x="10" y="20" font-size="10" fill="#000000" text-anchor="start">some words</text>)";
  CHECK(found(text) == 0);
  CHECK(found(text + "\n" + text) == 1);
  CHECK(found("<g transform=\"translate(60 0)\">\n" + text + "\n</g>") == 1);  // cut off
  CHECK(found("<g transform=\"translate(0 -15)\">\n" + text + "\n</g>\n" + text) == 1);
  CHECK(found(text + R"(
<line x1="0" y1="0" x2="60" y2="30" stroke="#000000" stroke-width="1.00"/>)") == 1);
  CHECK(found(text + R"(
<line x1="0" y1="0" x2="60" y2="0" stroke="#000000" stroke-width="1.00"/>)") == 0);
  CHECK(found(text + R"(
<rect x="20" y="5" width="50" height="40" fill="none" stroke="#000000" stroke-width="1.00"/>)") == 1);
  CHECK(found(text + R"(
<rect x="5" y="5" width="90" height="40" fill="none" stroke="#000000" stroke-width="1.00"/>)") == 0);
  CHECK(found(text + R"(
<circle cx="30" cy="17" r="3" fill="#000000"/>)") == 1);
  CHECK(found(text + R"(
<rect x="5" y="-5" width="90" height="40" fill="none" stroke="#000000" stroke-width="1.00"/>)") == 1);
}

TEST_CASE("explain: panels that are to be compared have one scale", "[explain]") {
  for (const char* topic : {"dog", "roi-pool-8x8", "roi_align --box 40,30,330,262 --stride 32 --size 4 --compare"}) {
    const Figure f = figure_from(topic);
    const auto [most, least] = cell_sides(f);
    INFO(topic);
    CHECK(most == Approx(least).margin(0.011));  // coordinates have two decimals
    CHECK(shows(f, "the box: ("));
  }
}

TEST_CASE("explain: figures say what their numbers are", "[explain]") {
  // The box 20 … 92 is 1.25 … 5.75 cells of 16 pixels; its first sample lies at column 1.8125, row 1.25: from the middle of cell (0, 1)
  // 0.3125 to the right and 0.75 down. The map counts 10·row + column.
  const Figure grid = figure_from("roi-align-grid");
  for (const char* words : {"the box: (20, 12, 92, 76) pixels", "= (1.25, 0.75, 5.75, 4.75) cells", "weight 0.1719", "weight 0.0781",
                            "weight 0.5156", "weight 0.2344", "1·0.1719 + 2·0.0781 + 11·0.5156 + 12·0.2344 = 8.8125", "/4 = 14.375"}) {
    INFO(words);
    CHECK(shows(grid, words));
  }
  const Figure bilinear = figure_from("bilinear");
  for (const char* words : {"weight 0.375", "weight 0.125", "v = 1·0.375 + 3·0.125 + 5·0.375 + 11·0.125 = 4"})
    CHECK(shows(bilinear, words));
  const Figure loss = figure_from("mask-loss");
  CHECK(shows(loss, "∂L/∂logit"));
  CHECK(shows(loss, "target: person"));
  CHECK(shows(figure_from("roi_align --box 40,30,330,262 --gradient"), "numbers: the cells' gradients"));
  const Figure pool = figure_from("roi-pool-8x8");
  for (const char* words : {"maximum: 0.8500, 0.8400 / 0.9700, 0.9600", "mean of its samples: 0.4770, 0.4710 / 0.4569, 0.4552"})
    CHECK(shows(pool, words));
  CHECK(shows(figure_from("anchors"), "181 × 91 px"));
  CHECK(shows(figure_from("nms"), "goes with it"));
}

TEST_CASE("explain rpn: boxes that leave the picture stay off the titles", "[explain]") {
  const std::string run = folder() + "/rpn", picture = folder() + "/wide.pgm", figure = folder() + "/rpn.svg";
  const Result trained = mrcnn("train scenes_small --out " + run +
                               " --set train.iterations=1 --set train.batch=1 --set data.scenes.height=64 --set data.scenes.width=96"
                               " --set data.scenes.images=2 --set data.val_scenes=1 --set train.precision=f32 --set model.backbone.width=32"
                               " --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16");
  INFO(trained.err);
  REQUIRE(trained.status == 0);
  for (const auto& [width, height] : {std::pair(16, 16), std::pair(300, 40), std::pair(40, 300)}) {
    write_text_file(picture, str("P5 ", width, " ", height, " 255\n", std::string(static_cast<size_t>(width * height), '\x40')));
    check_figure("rpn --weights " + run + "/last.safetensors --image " + picture);
    CHECK(figure_from("rpn --weights " + run + "/last.safetensors --image " + picture).lines.size() >= 4 * 20);
  }
}
