#include "data/cityscapes/results.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/files.h"
#include "data/cityscapes/depth.h"
#include "data/image/image.h"
#include "data/image/mask_picture.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;
using mr::test::Folder;
namespace fs = std::filesystem;

namespace {

constexpr int kHeight = 40, kWidth = 60;

// One image: a car of 20×20 pixels on a road.
struct Split {
  Folder folder;
  std::string truth = folder / "root/gtFine/val", results = folder / "results";
  Bitmap16 ids{kHeight, kWidth};

  Split() {
    fs::create_directories(truth + "/aachen"), fs::create_directories(results);
    std::ranges::fill(ids.pixels, uint16_t{7});
    paint(26000, 0, 0);
    write("aachen_000000_000019");
  }
  void paint(uint16_t id, int x0, int y0) {
    for (int y = y0; y < y0 + 20; ++y)
      for (int x = x0; x < x0 + 20; ++x) ids.at(y, x) = id;
  }
  void write(const std::string& name) const { write_png(str(truth, "/aachen/", name, "_gtFine_instanceIds.png"), ids); }
  Bitmap mask(int x0 = 0, int y0 = 0, int height = kHeight, int width = kWidth) const {
    Bitmap m(height, width);
    for (int y = y0; y < y0 + 20; ++y)
      for (int x = x0; x < x0 + 20; ++x) m.at(y, x) = 1;
    return m;
  }
  std::string text(const std::string& lines, const std::string& name = "aachen_000000_000019_pred.txt") const {
    return folder.write("results/" + name, lines);
  }
  double car() const { return cityscapes_eval_folders(truth, results).figures.classes[2].figures.AP; }
};

}  // namespace

TEST_CASE("cityscapes results: folders as the server takes them", "[cityscapes]") {
  Split s;
  write_png(s.results + "/a.png", s.mask());
  s.text("a.png 26 0.5\n");
  CHECK(s.car() == 1);
  s.text("a.png 26.0 5e-1");  // no end of line
  CHECK(s.car() == 1);
  s.text("a.png 26 0.5\r\n");
  CHECK(s.car() == 1);
  s.text("");
  CHECK(s.car() == 0);
  fs::create_directories(s.results + "/deep/er");
  fs::remove(s.results + "/aachen_000000_000019_pred.txt");
  s.text("../../a.png 26 0.5\n", "deep/er/aachen_000000_000019.txt");
  CHECK(s.car() == 1);
  // Of two lines with one mask the last counts; other labels count nowhere, and their masks are not
  // read.
  s.text("../../a.png 24 0.9\nnone.png 7 0.9\nnone.png 29 0.9\nnone.png -1 0.9\n../../a.png 26 0.5\n", "deep/er/aachen_000000_000019.txt");
  const CityscapesEvalFolders e = cityscapes_eval_folders(s.truth + "/", s.results + "/");
  CHECK(e.figures.classes[2].figures.AP == 1);
  CHECK(std::isnan(e.figures.classes[0].figures.AP));
  CHECK(e.predictions == 1);
  CHECK(e.other_class == 1);  // those three are one
  CHECK(e.images == 1);
  CHECK_FALSE(e.figures.distances);
  CHECK(e.notes.empty());
}

TEST_CASE("cityscapes results: masks in any depth and colour", "[cityscapes]") {
  const Split s;
  Bitmap16 deep(kHeight, kWidth);
  Image colour(kHeight, kWidth), dark(kHeight, kWidth);
  for (int y = 5; y < 25; ++y)
    for (int x = 7; x < 27; ++x) deep.at(y, x) = 1, colour.at(y, x)[2] = 5, dark.at(y, x)[2] = 4;
  const std::string path = s.results + "/m.png";
  const auto pixels = [&] {
    const CroppedMask m = read_mask_picture(path);
    CHECK((m.image_height == kHeight && m.image_width == kWidth));
    int n = 0;
    for (int y = 0; y < m.bits.height; ++y)
      for (int x = 0; x < m.bits.width; ++x)
        if (m.bits.at(y, x) != 0) n += y + m.y0 >= 5 && y + m.y0 < 25 && x + m.x0 >= 7 && x + m.x0 < 27 ? 1 : 1000;
    return n;
  };
  write_png(path, deep);
  CHECK(pixels() == 400);
  write_png(path, s.mask(7, 5));
  CHECK(pixels() == 400);
  CHECK(read_mask_picture(path).bits.height == 20);  // the rows around are not kept
  write_png(path, colour);
  CHECK(pixels() == 400);  // luma 5·7471/65536 rounds to 1
  write_png(path, dark);
  CHECK(pixels() == 0);
  write_png(path, Bitmap(kHeight, kWidth));
  CHECK(pixels() == 0);
}

TEST_CASE("cityscapes results: what cannot be read is named by file and line", "[cityscapes]") {
  Split s;
  write_png(s.results + "/a.png", s.mask());
  const auto wrong = [&](const std::string& lines, const std::string& what) {
    const std::string file = s.text(lines);
    INFO(lines);
    CHECK_THROWS_WITH(s.car(), Contains(file) && Contains(what));
  };
  wrong("a.png 26 0.5\na.png 26\n", "line 2: expected MASK LABEL SCORE, parted by one blank each, got 'a.png 26'");
  wrong("a.png  26 0.5\n", "line 1: expected MASK LABEL SCORE");
  wrong("a.png 26 0.5\n\n", "line 2: expected MASK LABEL SCORE");
  wrong("a.png car 0.5\n", "line 1: expected a label id from 0 to 33 (car: 26), got 'car'");
  wrong("a.png 99 0.5\n", "got '99'");  // where the script crashes
  wrong("a.png 26.5 0.5\n", "got '26.5'");
  wrong("a.png 26 sure\n", "line 1: expected a finite score, got 'sure'");
  wrong("a.png 26 nan\n", "line 1: expected a finite score, got 'nan'");
  wrong("/a.png 26 0.5\n", "line 1: expected a mask's path from the folder of this file on");
  wrong("../a.png 26 0.5\n", "line 1: the mask");
  wrong("../results2/a.png 26 0.5\n", "lies outside the folder of the results");
  wrong("b.png 26 0.5\n", "names the mask " + s.results + "/b.png: there is no such file");
  s.text("a.png 26 0.5\n");
  const auto refused = [&](const std::string& what) { CHECK_THROWS_WITH(s.car(), Contains(s.results + "/a.png") && Contains(what)); };
  write_png(s.results + "/a.png", s.mask(0, 0, kHeight, kWidth + 1));
  refused("expected 40x60 pixels, as the image has, got 40x61");
  CHECK_THROWS_AS(s.car(), ImageError);
  const std::string bytes = read_text_file(s.results + "/a.png");
  s.folder.write("results/a.png", bytes.substr(0, bytes.size() - 30));
  CHECK_THROWS_AS(s.car(), ImageError);
  s.folder.write("results/a.png", "no picture");
  CHECK_THROWS_AS(s.car(), ImageError);
}

TEST_CASE("cityscapes results: each image has one result file", "[cityscapes]") {
  Split s;
  CHECK_THROWS_WITH(s.car(), Contains(s.results + ": there is no result file aachen_000000_000019*.txt for " + s.truth));
  s.text(""), s.text("", "aachen_000000_000019.txt");
  CHECK_THROWS_WITH(s.car(), Contains("expected one result file") && Contains("_pred.txt") && Contains("000019.txt"));
  CHECK_THROWS_WITH(cityscapes_eval_folders(s.truth, s.results + "x"), Contains("there is no such folder of result files"));
  CHECK_THROWS_WITH(cityscapes_eval_folders(s.truth, s.results + "/aachen_000000_000019.txt"), Contains("is a file; expected the folder"));
  CHECK_THROWS_WITH(cityscapes_eval_folders(s.truth + "x", s.results), Contains(s.truth + "x: there is no such folder; expected"));
  CHECK_THROWS_WITH(cityscapes_eval_folders(s.folder / "root", s.results),
                    Contains("holds no ground truth") && Contains("there is " + s.truth));
}

TEST_CASE("cityscapes results: what the writer writes is read as it was", "[cityscapes]") {
  Split s;
  s.paint(26001, 30, 10);
  s.write("aachen_000000_000019");
  std::vector<CityscapesPrediction> predictions;
  for (const auto& [x, y, score] : {std::tuple{0, 0, 0.1F}, {30, 10, 1.0F / 3}})
    predictions.push_back({26, score, {kHeight, kWidth, x, y, Bitmap(20, 20)}}),
        std::ranges::fill(predictions.back().mask.bits.pixels, uint8_t{1});
  const CityscapesResultWriter writer(s.results);
  writer.image("aachen_000000_000019", predictions);
  CHECK(s.car() == 1);
  const auto back =
      parse_cityscapes_results(read_text_file(s.results + "/aachen_000000_000019.txt"), s.results + "/aachen_000000_000019.txt", s.results);
  REQUIRE(back.size() == 2);
  CHECK(static_cast<float>(back[1].score) == 1.0F / 3);
  CHECK(writer.files_of("aachen_000000_000019").size() == 3);
  CHECK(writer.files_of("aachen_000000_00001").empty());
}

TEST_CASE("cityscapes results: by distance where depth lies beside the truth", "[cityscapes]") {
  Split s;
  write_png(s.results + "/a.png", s.mask());
  s.text("a.png 26 0.5\n");
  fs::create_directories(s.folder / "root/disparity/val/aachen"), fs::create_directories(s.folder / "root/camera/val/aachen");
  const std::string disparity = s.folder / "root/disparity/val/aachen/aachen_000000_000019_disparity.png";
  const std::string camera = "root/camera/val/aachen/aachen_000000_000019_camera.json";
  // b·f = 500: 257 → 500 m, 2561 → 50 m, 5121 → 25 m
  Bitmap16 d(kHeight, kWidth);
  for (int k = 0; k < 400; ++k) d.at(k / 20, k % 20) = k < 100 ? 0 : k < 250 ? 2561 : 5121;
  write_png(disparity, d);
  CHECK_FALSE(cityscapes_eval_folders(s.truth, s.results).figures.distances);
  s.folder.write(camera, R"({"extrinsic": {"baseline": 0.25, "pitch": 0}, "intrinsic": {"fx": 2000, "fy": 1}})");
  const CityscapesEvalFolders e = cityscapes_eval_folders(s.truth, s.results);
  CHECK(e.figures.distances);
  CHECK(std::isnan(e.figures.all.AP50m));  // 400 pixels are too few
  const auto distances = cityscapes_distances(s.ids, {disparity, s.folder / camera});
  REQUIRE(distances.size() == 1);             // the road has none
  CHECK(distances.at(26000).metres == 37.5);  // 150 of 50 m, 150 of 25 m
  CHECK(distances.at(26000).density == 0.75);
  s.write("aachen_000001_000019"), s.text("", "aachen_000001_000019.txt");
  const CityscapesEvalFolders half = cityscapes_eval_folders(s.truth, s.results);
  CHECK_FALSE(half.figures.distances);
  REQUIRE(half.notes.size() == 1);
  CHECK_THAT(half.notes[0], Contains("no figures by distance: 1 of 2 images have no disparity"));
  s.folder.write(camera, R"({"extrinsic": {"baseline": 0.25}})");
  CHECK_THROWS_WITH(cityscapes_distances(s.ids, {disparity, s.folder / camera}),
                    Contains("camera.json: intrinsic.fx: expected a number above 0"));
  write_png(disparity, Bitmap(kHeight, kWidth));
  s.folder.write(camera, R"({"extrinsic": {"baseline": 0.25}, "intrinsic": {"fx": 2000}})");
  CHECK_THROWS_WITH(cityscapes_distances(s.ids, {disparity, s.folder / camera}),
                    Contains("disparity.png': expected disparities, a grey PNG of 16 bits"));
}
