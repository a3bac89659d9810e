// Pictures sorted into folders of classes, read, and written from the objects of another data set.
#include "data/folders/folder_dataset.h"

#include <filesystem>

#include "data/export/crop_writer.h"
#include "data/image/image.h"
#include "data/scenes/scene_dataset.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

void write_picture(const test::Folder& folder, const std::string& name, int height, int width, uint8_t grey) {
  fs::create_directories(fs::path(folder / name).parent_path());
  Image image(height, width);
  for (uint8_t& v : image.rgb) v = grey;
  write_png(folder / name, image);
}

}  // namespace

TEST_CASE("a folder for each class: pictures, their classes and sizes, in the order of their names", "[data]") {
  const test::Folder f;
  write_picture(f, "dog/2.png", 4, 6, 20);
  write_picture(f, "cat/deep/1.png", 5, 3, 10);
  write_picture(f, "dog/1.png", 8, 8, 30);
  write_picture(f, "loose.png", 2, 2, 0);
  f.write("cat/.hidden", "");
  f.write("notes.txt", "");
  fs::create_directories(f / "empty");
  const FolderDataset d(f / "");
  CHECK(d.class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(d.category_ids() == std::vector<int64_t>{1, 2});
  REQUIRE(d.size() == 3);
  const Sample cat = d.sample(0);
  CHECK(cat.info.image_id == 1);
  CHECK(cat.image.height == 5);
  CHECK(cat.image.rgb[0] == 10);
  REQUIRE(cat.instances.size() == 1);
  CHECK(cat.instances[0].label == 1);
  CHECK(cat.instances[0].box == Box{0, 0, 3, 5});
  CHECK(d.info(1).height == 8);
  CHECK(d.info(2).width == 6);
  CHECK(d.instances(2)[0].label == 2);
  CHECK(d.instances(2)[0].box == Box{0, 0, 6, 4});
  CHECK(d.object_counts()[0].objects == 1);
  CHECK(d.object_counts()[1].objects == 2);
  REQUIRE(d.notes().size() == 2);
  CHECK_THAT(d.notes()[0], Contains("left out: 1 picture in no folder of a class: ") && Contains("loose.png"));
  CHECK_THAT(d.notes()[1], Contains("left out: 1 file without a picture"));
}

TEST_CASE("a folder for each class: only the classes that are wanted", "[data]") {
  const test::Folder f;
  for (const char* name : {"cat/1.png", "dog/1.png", "dog/2.png", "fox/1.png"}) write_picture(f, name, 4, 6, 20);
  const FolderDataset d(f / "", {"fox", "cat", "owl"});
  CHECK(d.class_names() == std::vector<std::string>{"cat", "fox"});
  CHECK(d.size() == 2);
  REQUIRE(d.notes().size() == 1);
  CHECK_THAT(d.notes()[0], Contains("left out: 2 pictures of classes that are not wanted"));
  CHECK_THROWS_WITH(FolderDataset(f / "", {"owl"}), Contains("no folder with pictures of the classes that are wanted (data.classes)"));
}

TEST_CASE("what is no folder of classes is named", "[data]") {
  const test::Folder f;
  CHECK_THROWS_WITH(FolderDataset(f / "absent"), Contains("absent: there is no such folder"));
  CHECK_THROWS_WITH(FolderDataset(f / ""), Contains("holds no folder with pictures"));
  write_picture(f, "1.png", 2, 2, 0);
  CHECK_THROWS_WITH(FolderDataset(f / ""), Contains("1.png"));
  fs::create_directories(f / "cat");
  f.write("cat/1.png", "no picture");
  const FolderDataset d(f / "");
  CHECK_THROWS_WITH(d.sample(0), Contains("1.png"));
  CHECK(d.info(0).height == 1);  // whoever skips such pictures goes on
  CHECK(d.instances(0)[0].box == Box{0, 0, 1, 1});
}

TEST_CASE("crops of drawn objects come back as pictures of their classes", "[data]") {
  const test::Folder f;
  SceneOptions options;
  options.images = 6;
  const SceneDataset scenes(options);
  int64_t wanted = 0;
  for (int64_t i = 0; i < scenes.size(); ++i)
    for (const Instance& o : scenes.instances(i)) wanted += !o.crowd && std::max(o.box.width(), o.box.height()) >= 20;
  REQUIRE(wanted > 5);
  CHECK(write_crops(scenes, f / "crops", {.margin = 0, .side = 32, .least_side = 20}) == wanted);
  const FolderDataset d(f / "crops");
  CHECK(d.size() == wanted);
  for (int64_t i = 0; i < d.size(); ++i) CHECK(d.info(i).height == 32);
  // One of them, by its name: the pixels around the middle of its box.
  const Sample s = scenes.sample(0);
  for (size_t k = 0; k < s.instances.size(); ++k) {
    const Instance& o = s.instances[k];
    if (o.crowd || std::max(o.box.width(), o.box.height()) < 20) continue;
    const std::string name = scenes.class_names()[static_cast<size_t>(o.label) - 1];
    CHECK(fs::exists(f / str("crops/", name, "/", s.info.image_id < 10 ? "00000" : "0000", s.info.image_id, "_", k + 1, ".png")));
  }
  CHECK_THROWS_WITH(write_crops(scenes, f / "crops"), Contains("choose another folder"));
}

TEST_CASE("a crop is the square around the box, moved into the image", "[data]") {
  class One final : public Dataset {
   public:
    int64_t size() const override { return 1; }
    const std::vector<std::string>& class_names() const override { return names_; }
    std::vector<int64_t> category_ids() const override { return {1}; }
    ImageInfo info(int64_t) const override { return {7, 20, 30, ""}; }
    std::vector<Instance> instances(int64_t) const override {
      return {{1, 1, {24, 2, 30, 6}, {}, 24, false}, {2, 1, {0, 0, 30, 20}, {}, 600, false}};
    }
    Sample sample(int64_t i) const override {
      Sample s{info(i), Image(20, 30), instances(i)};
      for (int y = 0; y < 20; ++y)
        for (int x = 0; x < 30; ++x) s.image.at(y, x)[0] = static_cast<uint8_t>(x), s.image.at(y, x)[1] = static_cast<uint8_t>(y);
      return s;
    }

   private:
    std::vector<std::string> names_ = {"thing"};
  };
  const test::Folder f;
  CHECK(write_crops(One(), f / "crops", {.margin = 0, .side = 0, .least_side = 5}) == 2);
  const Image small = read_image(f / "crops/thing/000007_1.png");  // 6×6 around (27, 4)
  CHECK(small.height == 6);
  CHECK(small.width == 6);
  CHECK(static_cast<int>(small.at(0, 0)[0]) == 24);
  CHECK(static_cast<int>(small.at(0, 0)[1]) == 1);
  const Image large = read_image(f / "crops/thing/000007_2.png");  // cut where the image is smaller than the square
  CHECK(large.height == 20);
  CHECK(large.width == 30);
}
