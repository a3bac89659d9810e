#include "data/image/stated_size.h"

#include <filesystem>

#include "data/coco/image_check.h"
#include "tests/catch.h"
#include "tests/data/image_files.h"
#include "tests/folder.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string kFolder = test::own_path("image_stated_size_test");

void write(const std::string& path, const File& bytes) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  std::fwrite(bytes.data(), 1, bytes.size(), f);
  std::fclose(f);
}

// A PNG of height × width as stored, whose pixel (y, x) is grey 10·y + x.
File numbered(int height, int width, int orientation) {
  Png png;
  png.height = height, png.width = width;
  png.sample = [](int y, int x, int) { return static_cast<uint32_t>(10 * y + x); };
  chunk(png.extra, "eXIf", tiff_orientation(orientation, true));
  return png.file();
}

// Images by file name, all said to be 3×4.
class Named : public Dataset {
 public:
  explicit Named(std::vector<std::string> files) : files_(std::move(files)) {}
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {1}; }
  ImageInfo info(int64_t i) const override {
    const std::string& file = files_[static_cast<size_t>(i)];
    return {i, 3, 4, file.empty() ? "" : kFolder + "/" + file};
  }
  std::vector<Instance> instances(int64_t) const override { return {}; }
  Sample sample(int64_t) const override { return {}; }

 private:
  std::vector<std::string> files_, names_ = {"a"};
};

}  // namespace

TEST_CASE("stated size: it says whether the upright or the stored pixels are meant", "[stated_size]") {
  fs::create_directories(kFolder);
  const std::string path = kFolder + "/turned.png";
  for (const int orientation : {1, 2, 3, 4}) {
    INFO(orientation);
    write(path, numbered(3, 4, orientation));
    CHECK(read_image_of_size(path, {3, 4}).rgb == read_image(path).rgb);
    CHECK_THROWS_WITH(read_image_of_size(path, {4, 3}),
                      Contains("height and width are 3x4, the annotations state 4x3: the annotations have height and width exchanged"));
  }
  for (const int orientation : {5, 6, 7, 8}) {
    INFO(orientation);
    write(path, numbered(3, 4, orientation));
    CHECK(read_image_of_size(path, {4, 3}).rgb == read_image(path).rgb);
    const Image stored = read_image_of_size(path, {3, 4});
    CHECK(stored.height == 3);
    CHECK(stored.at(2, 3)[0] == 23);
    CHECK_NOTHROW(check_image_header(path, {3, 4}));
    CHECK_NOTHROW(check_image_header(path, {4, 3}));
    try {
      check_image_header(path, {8, 6});
      CHECK(false);
    } catch (const ImageError& e) {
      CHECK(e.fault == ImageFault::other_size);
      CHECK_THAT(
          e.what(),
          Contains(
              "height and width are 4x3 (3x4 as stored), the annotations state 8x6: the annotations were made on a copy of another size"));
    }
  }
  write(path, numbered(3, 3, 6));
  CHECK(read_image_of_size(path, {3, 3}).rgb == read_image(path).rgb);
  CHECK_THROWS_WITH(check_image_header(path, {3, 9}), Contains("are 3x3 (3x3 as stored), the annotations state 3x9") && !Contains("copy"));
}

TEST_CASE("image check: missing files, headers that are wrong, and a sample where the time is short", "[image_check]") {
  fs::remove_all(kFolder);
  fs::create_directories(kFolder);
  write(kFolder + "/good.png", numbered(3, 4, 1));
  write(kFolder + "/turned.png", numbered(4, 3, 6));
  write(kFolder + "/stored.png", numbered(3, 4, 6));
  write(kFolder + "/exchanged.png", numbered(4, 3, 1));
  write(kFolder + "/none.jpg", {'n', 'o'});
  const ImageCheck good = check_images(Named({"good.png", "turned.png", "stored.png", ""}), 10);
  CHECK(good.images == 3);
  CHECK(good.looked_at == 3);
  CHECK(good.missing.count == 0);
  CHECK(good.faulty.count == 0);
  const ImageCheck bad = check_images(Named({"exchanged.png", "good.png", "none.jpg"}), 10);
  CHECK(bad.faulty.count == 2);
  REQUIRE(bad.faulty.first.size() == 2);
  CHECK_THAT(bad.faulty.first[0], Contains("exchanged.png': height and width are 4x3"));
  CHECK_THAT(bad.faulty.first[1], Contains("none.jpg': "));
  const ImageCheck gone = check_images(Named({"a.png", "b.png", "good.png", "c.png", "d.png"}), 10);
  CHECK(gone.missing.count == 4);
  CHECK(gone.missing.text(", ") == kFolder + "/a.png, " + kFolder + "/b.png, " + kFolder + "/c.png, …");
  CHECK(gone.looked_at == 0);
  const ImageCheck brief = check_images(Named(std::vector<std::string>(20000, "good.png")), 1e-6);
  CHECK(brief.images == 20000);
  CHECK(brief.looked_at < 20000);
  CHECK(check_images(Named({"good.png"}), 0).looked_at == 0);
}
