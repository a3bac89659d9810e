// Labels of drawn objects: where they go, what they leave to be seen, and the legend of those without room.
#include <cmath>

#include "base/check.h"
#include "data/draw/detections.h"
#include "data/draw/font.h"
#include "data/draw/label_places.h"
#include "data/draw/legend.h"
#include "tensor/rng.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

DrawnDetection disc(int x, int y, int radius, PixelSize picture, int label = 1, float score = 0.9f) {
  const int x0 = std::max(x - radius, 0), y0 = std::max(y - radius, 0), x1 = std::min(x + radius, picture.width),
            y1 = std::min(y + radius, picture.height);
  CroppedMask m{picture.height, picture.width, x0, y0, Bitmap(y1 - y0, x1 - x0)};
  for (int i = y0; i < y1; ++i)
    for (int j = x0; j < x1; ++j) {
      const double dy = i + 0.5 - y, dx = j + 0.5 - x;
      m.bits.at(i - y0, j - x0) = dx * dx + dy * dy <= radius * radius;
    }
  const Box box{static_cast<float>(x0), static_cast<float>(y0), static_cast<float>(x1), static_cast<float>(y1)};
  return {box, label, score, m};
}

// Discs of many sizes, one in another and beside another, some cut by the border.
std::vector<DrawnDetection> crowd(uint64_t seed, int count, int largest, PixelSize picture, int classes = 1) {
  Rng rng(seed, "crowd");
  const auto below = [&](int n) { return static_cast<int>(rng.uniform() * n); };
  std::vector<DrawnDetection> all;
  for (int i = 0; i < count; ++i) {
    const int radius = 3 + below(largest - 2), x = below(picture.width), y = below(picture.height);
    all.push_back(disc(x, y, radius, picture, 1 + below(classes), static_cast<float>(rng.uniform())));
  }
  return all;
}

int64_t covered(const CroppedMask& m, const PixelBox& at) {
  int64_t n = 0;
  for (int y = 0; y < m.bits.height; ++y)
    for (int x = 0; x < m.bits.width; ++x) {
      const int px = x + m.x0, py = y + m.y0;
      n += m.bits.at(y, x) && px >= at.x0 && px < at.x1 && py >= at.y0 && py < at.y1;
    }
  return n;
}

int64_t size_of(const CroppedMask& m) { return covered(m, {m.x0, m.y0, m.x0 + m.bits.width, m.y0 + m.bits.height}); }

std::vector<LabelledObject> labelled(const std::vector<DrawnDetection>& detections, PixelSize label) {
  std::vector<LabelledObject> objects;
  for (const DrawnDetection& d : detections) objects.push_back({d.box, &d.mask, label});
  return objects;
}

void check_places(const std::vector<DrawnDetection>& detections, PixelSize picture, PixelSize label, double share) {
  const std::vector<LabelledObject> objects = labelled(detections, label);
  const auto places = place_labels(picture, objects, share), again = place_labels(picture, objects, share);
  REQUIRE(places.size() == objects.size());
  std::vector<int64_t> hidden(objects.size(), 0);
  int64_t outside = 0, wrong_size = 0, apart = 0, overlapping = 0, different = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    different += places[i].has_value() != again[i].has_value();
    if (!places[i]) continue;
    const PixelBox& a = *places[i];
    different += a.x0 != again[i]->x0 || a.y0 != again[i]->y0;
    outside += a.x0 < 0 || a.y0 < 0 || a.x1 > picture.width || a.y1 > picture.height;
    wrong_size += a.x1 - a.x0 != label.width || a.y1 - a.y0 != label.height;
    const Box& b = objects[i].box;  // a label's edge may lie on its box's
    apart += static_cast<float>(a.x1) < b.x1 || static_cast<float>(a.x0) > b.x2 || static_cast<float>(a.y1) < b.y1 ||
             static_cast<float>(a.y0) > b.y2;
    for (size_t k = 0; k < i; ++k)
      if (places[k]) overlapping += a.x0 < places[k]->x1 && places[k]->x0 < a.x1 && a.y0 < places[k]->y1 && places[k]->y0 < a.y1;
    for (size_t k = 0; k < objects.size(); ++k) hidden[k] += covered(*objects[k].mask, a);
  }
  CHECK(outside == 0);
  CHECK(wrong_size == 0);
  CHECK(apart == 0);
  CHECK(overlapping == 0);
  CHECK(different == 0);
  for (size_t k = 0; k < objects.size(); ++k)
    CHECK(static_cast<double>(hidden[k]) <= share * static_cast<double>(size_of(*objects[k].mask)));
}

size_t labels_of(const std::vector<std::optional<PixelBox>>& places) {
  return static_cast<size_t>(std::count_if(places.begin(), places.end(), [](const auto& p) { return p.has_value(); }));
}

Image grey(int height, int width) {
  Image image(height, width);
  std::fill(image.rgb.begin(), image.rgb.end(), uint8_t{90});
  return image;
}

// The share of each mask that differs between the two drawings, at most.
double most_hidden(const std::vector<DrawnDetection>& detections, const Image& a, const Image& b) {
  double most = 0;
  for (const DrawnDetection& d : detections) {
    int64_t differ = 0;
    for (int y = 0; y < d.mask.bits.height; ++y)
      for (int x = 0; x < d.mask.bits.width; ++x)
        if (d.mask.bits.at(y, x))
          differ +=
              !std::equal(a.at(y + d.mask.y0, x + d.mask.x0), a.at(y + d.mask.y0, x + d.mask.x0) + 3, b.at(y + d.mask.y0, x + d.mask.x0));
    most = std::max(most, static_cast<double>(differ) / static_cast<double>(size_of(d.mask)));
  }
  return most;
}

}  // namespace

TEST_CASE("place_labels: inside the picture, apart, beside their objects, which stay visible, and always the same") {
  for (uint64_t seed = 0; seed < 20; ++seed)
    for (const double share : {0.0, 0.1, 0.5}) {
      const PixelSize picture{200, 260};
      INFO("seed " << seed << ", share " << share);
      check_places(crowd(seed, 40, seed % 2 ? 12 : 60, picture), picture, {14, 40}, share);
    }
}

TEST_CASE("place_labels: free ground is taken, the first objects choose first, and what has no room is left out") {
  const PixelSize picture{100, 200};
  const std::vector<DrawnDetection> one{disc(100, 50, 20, picture)};
  const auto place = place_labels(picture, labelled(one, {10, 30}));
  REQUIRE(place[0]);
  CHECK(place[0]->x0 == 80);  // above, from the box's left edge on
  CHECK(place[0]->y0 == 20);

  // A neighbour above: the label goes below, where it covers nothing.
  const std::vector<DrawnDetection> two{disc(100, 60, 10, picture), disc(100, 30, 18, picture)};
  const auto beside = place_labels(picture, labelled(two, {10, 30}));
  REQUIRE(beside[0]);
  CHECK(covered(two[1].mask, *beside[0]) == 0);
  CHECK(covered(two[0].mask, *beside[0]) == 0);

  // Twice the same object: the second label has the next place.
  const std::vector<DrawnDetection> same{one[0], one[0]};
  const auto both = place_labels(picture, labelled(same, {10, 30}));
  REQUIRE((both[0] && both[1]));
  CHECK((both[0]->x0 == place[0]->x0 && both[0]->y0 == place[0]->y0));

  // A mask over the whole picture bears what the share allows, all labels together: 200 · 100 · 0.1 pixels are six labels of 300.
  DrawnDetection all = disc(0, 0, 1, picture);
  all.box = {0, 0, 200, 100};
  all.mask = {100, 200, 0, 0, Bitmap(100, 200)};
  std::fill(all.mask.bits.pixels.begin(), all.mask.bits.pixels.end(), uint8_t{1});
  std::vector<DrawnDetection> many{all};
  for (int i = 0; i < 12; ++i) many.push_back(disc(20 + i % 6 * 30, 30 + i / 6 * 40, 3, picture));
  CHECK(labels_of(place_labels(picture, labelled(many, {10, 30}))) == 6);
  CHECK(labels_of(place_labels(picture, labelled(many, {10, 30}), 0)) == 0);

  // Without masks boxes are what is to be seen.
  std::vector<LabelledObject> boxes{{{0, 0, 200, 100}, nullptr, {10, 30}}, {{0, 0, 200, 100}, nullptr, {10, 30}}};
  CHECK(labels_of(place_labels(picture, boxes)) == 2);
  CHECK(labels_of(place_labels(picture, boxes, 0.02)) == 1);
  CHECK(labels_of(place_labels(picture, boxes, 0)) == 0);

  // Larger than the picture; none wanted; beyond the picture.
  CHECK(labels_of(place_labels({9, 200}, labelled(one, {10, 30}))) == 0);
  CHECK(labels_of(place_labels(picture, labelled(one, {0, 0}))) == 0);
  boxes = {{{1e9f, -1e9f, 2e9f, 5}, nullptr, {10, 30}}};
  const auto far = place_labels(picture, boxes);
  REQUIRE(far[0]);
  CHECK(far[0]->x1 == 200);
  CHECK_THROWS_WITH(place_labels(picture, {}, 1.5), Contains("place_labels: share must be 0 … 1, got 1.5"));
}

TEST_CASE("legend: entries in columns, long ones broken, under the picture") {
  const Rgb red{255, 0, 0};
  const std::vector<LegendEntry> entries{{{red}, "1 cat 0.99"}, {{red}, "2 dog 0.98"}, {{red}, "3 cat 0.97"}};
  CHECK(legend({}, 100, 1).height == 0);
  CHECK(legend(entries, 90, 1).height == 3 * 12 + 8);
  CHECK(legend(entries, 200, 1).height == 2 * 12 + 8);  // an entry is 72 + 8 wide
  CHECK(legend(entries, 300, 1).height == 12 + 8);
  CHECK(legend(entries, 300, 2).height == 3 * 24 + 16);
  const std::vector<LegendEntry> broken{{{red}, "a cat of four words"}};
  CHECK(legend(broken, 100, 1).height == 2 * 12 + 8);
  const std::vector<LegendEntry> word{{{}, std::string(40, 'x')}};
  CHECK(legend(word, 68, 1).height == 4 * 12 + 8);
  const std::vector<LegendEntry> blank{{{}, "cat" + std::string(40, ' ')}};
  CHECK(legend(blank, 68, 1).height == 12 + 8);
  CHECK_THROWS_WITH(legend(entries, 20, 1), Contains("legend: no letter has room in 12 pixels beside 1 colours"));

  Image picture(5, 90);
  append_below(picture, legend(entries, 90, 1));
  CHECK(picture.height == 5 + 3 * 12 + 8);
  CHECK(picture.rgb.size() == static_cast<size_t>(picture.height) * 90 * 3);
  CHECK(picture.at(10, 5)[0] == 255);
  CHECK(picture.at(2, 5)[0] == 0);
  CHECK_THROWS_WITH(append_below(picture, Image(2, 3)), Contains("append_below: expected a strip of the picture's width 90, got 3"));
}

TEST_CASE("in_font: letters lose their marks, other scripts are not shown as question marks") {
  CHECK(in_font("Zellkern (mitotic), 5 %") == "Zellkern (mitotic), 5 %");
  CHECK(in_font("Vögel, žába, Čáp, Straße, œuf") == "Vogel, zaba, Cap, Strase, ouf");
  CHECK_FALSE(in_font("猫"));
  CHECK_FALSE(in_font("кот"));
  CHECK_FALSE(in_font("cat\n"));
  CHECK_FALSE(in_font("\xff"));
  CHECK(in_font("") == "");
}

TEST_CASE("text on a label can be read: its contrast is 4.5 to 1 at least, whatever the colour") {
  const auto luminance = [](Rgb c) {
    double sum = 0;
    const double weights[] = {0.2126, 0.7152, 0.0722}, channels[] = {c.r / 255.0, c.g / 255.0, c.b / 255.0};
    for (int k = 0; k < 3; ++k)
      sum += weights[k] * (channels[k] <= 0.04045 ? channels[k] / 12.92 : std::pow((channels[k] + 0.055) / 1.055, 2.4));
    return sum;
  };
  for (int label = 1; label <= 80; ++label)
    for (int instance = 0; instance < 8; ++instance) {
      const Rgb plate = class_colour(label, instance);
      const double a = luminance(plate) + 0.05, b = luminance(text_colour(plate)) + 0.05;
      INFO("label " << label << ", instance " << instance);
      CHECK(std::max(a, b) / std::min(a, b) >= 4.5);
    }
}

TEST_CASE("draw_detections: in a crowd every mask stays visible, and a legend counts what has no label") {
  const PixelSize picture{960, 1040};
  std::vector<DrawnDetection> cells;
  for (int i = 0; i < 85; ++i) cells.push_back(disc(60 + i % 10 * 100 + i / 10 % 2 * 30, 60 + i / 10 * 98, 48, picture));
  const std::vector<std::string> names{"nucleus"};
  DrawOptions options;
  options.colour_by_instance = true;
  Image bare = grey(picture.height, picture.width), named = bare, numbered = bare;
  options.labels = LabelStyle::none;
  draw_detections(bare, cells, names, options);
  options.labels = LabelStyle::automatic;
  draw_detections(named, cells, names, options);
  options.labels = LabelStyle::ids;
  draw_detections(numbered, cells, names, options);
  CHECK(bare.height == picture.height);
  CHECK(named.height == picture.height + 12 * 2 + 8 * 2);  // one line of letters of scale 2
  CHECK(numbered.height == named.height);                  // 85 lines would be more than half the picture: it says nucleus: 1-85
  CHECK(most_hidden(cells, bare, named) <= 0.1);
  CHECK(most_hidden(cells, bare, numbered) <= 0.1);
  CHECK(most_hidden(cells, grey(picture.height, picture.width), named) == 1);  // the masks themselves are drawn

  // With room for every label there is no legend.
  const std::vector<DrawnDetection> few{cells[0], cells[44]};
  Image roomy = grey(picture.height, picture.width);
  options.labels = LabelStyle::automatic;
  draw_detections(roomy, few, names, options);
  CHECK(roomy.height == picture.height);
  // Numbers always have one: what each is, two in a line here.
  options.labels = LabelStyle::ids;
  draw_detections(roomy, few, names, options);
  CHECK(roomy.height == picture.height + 12 * 2 + 8 * 2);
}

TEST_CASE("draw_detections: a large picture has letters and lines to match, thinner ones on small objects") {
  const PixelSize size{3000, 4000};
  const std::vector<std::string> names{"pedestrian", "car"};
  std::vector<DrawnDetection> objects = crowd(5, 12, 300, size, 2);
  objects.push_back(disc(2000, 1500, 10, size));
  Image bare = grey(size.height, size.width), named = bare;
  DrawOptions options;
  options.labels = LabelStyle::none;
  draw_detections(bare, objects, names, options);
  options.labels = LabelStyle::automatic;
  draw_detections(named, objects, names, options);
  CHECK(named.width == 4000);
  CHECK(most_hidden(objects, bare, named) <= 0.1);

  // How many pixels of the row through the middle are the contour's, from the left.
  const auto rim = [&](const DrawnDetection& d, int line) {
    Image image = grey(size.height, size.width);
    DrawOptions only;
    only.labels = LabelStyle::none;
    only.boxes = only.masks = false;
    only.line = line;
    draw_detections(image, {d}, names, only);
    int n = 0, y = static_cast<int>((d.box.y1 + d.box.y2) / 2);
    for (int x = 0; x < static_cast<int>((d.box.x1 + d.box.x2) / 2); ++x) n += image.at(y, x)[0] != 90 || image.at(y, x)[1] != 90;
    return n;
  };
  CHECK(rim(disc(2000, 1500, 400, size), 0) == 7);
  CHECK(rim(disc(2000, 1500, 10, size), 0) == 1);
  CHECK(rim(disc(2000, 1500, 400, size), 3) == 3);
}

TEST_CASE("draw_detections: small pictures are enlarged, with boxes and masks") {
  CHECK(drawing_scale({300, 347}) == 3);
  CHECK(drawing_scale({480, 640}) == 2);
  CHECK(drawing_scale({799, 10}) == 1);
  CHECK(drawing_scale({800, 10}) == 1);
  CHECK(drawing_scale({3000, 4000}) == 1);
  CHECK(drawing_scale({20, 30}) == 8);
  CHECK(drawing_scale({}) == 8);

  const std::vector<std::string> names{"cat"};
  DrawnDetection d{{10, 20, 30, 40}, 1, 0.5f, {100, 150, 10, 20, Bitmap(20, 20)}};
  d.mask.bits.at(0, 0) = 1;
  DrawOptions options;
  options.labels = LabelStyle::none;
  options.contours = options.boxes = false;
  options.mask_alpha = 1;
  options.scale = 2.5;
  Image image = grey(100, 150);
  draw_detections(image, {d}, names, options);
  CHECK(image.height == 250);
  CHECK(image.width == 375);
  int n = 0;
  for (int y = 0; y < 250; ++y)
    for (int x = 0; x < 375; ++x)
      if (image.at(y, x)[0] != 90 || image.at(y, x)[1] != 90) {
        ++n;
        CHECK((x >= 25 && x < 28 && y >= 50 && y < 53));  // pixel (20, 10), from 25 to 27.5 and from 50 to 52.5
      }
  CHECK(n >= 4);
  options.scale = 0;
  Image automatic = grey(100, 150);
  draw_detections(automatic, {d}, names, options);
  CHECK(automatic.width == 150 * 7);
  options.scale = 0.1;
  draw_detections(automatic, {d}, names, options);
  CHECK(automatic.width == 105);
  options.scale = -1;
  CHECK_THROWS_WITH(draw_detections(image, {}, names, options), Contains("draw_detections: scale must be at least 0, got -1"));
  options.scale = 1;
  options.line = -2;
  CHECK_THROWS_WITH(draw_detections(image, {}, names, options), Contains("draw_detections: line must be at least 0, got -2"));
}
