// Pictures that are held at a part of their size, and kept decoded.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/check.h"
#include "base/files.h"
#include "base/folders.h"
#include "data/cache/held.h"
#include "data/cache/packed.h"
#include "data/cityscapes/dataset.h"
#include "data/image/image.h"
#include "data/loader/loader.h"
#include "data/transforms/input.h"
#include "tests/catch.h"
#include "tests/data/cityscapes/drawn_city.h"
#include "tests/file_limit.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const Dataset> city_of(const DrawnCity& city) {
  return std::make_shared<CityscapesDataset>(city.root, CityscapesOptions{});
}

std::shared_ptr<PictureCache> cache_in(const std::string& folder) { return std::make_shared<PictureCache>(folder, 0); }

// The entries of a cache, without its lock.
std::vector<std::string> entries(const std::string& folder) {
  std::vector<std::string> all;
  for (const std::string& name : names_in(folder))
    if (name != ".lock") all.push_back(folder + "/" + name);
  return all;
}

void check_same(const Sample& a, const Sample& b) {
  CHECK(a.image.height == b.image.height);
  CHECK(a.image.rgb == b.image.rgb);
  CHECK(a.info.height == b.info.height);
  REQUIRE(a.instances.size() == b.instances.size());
  for (size_t i = 0; i < a.instances.size(); ++i) {
    CHECK(a.instances[i].label == b.instances[i].label);
    CHECK(a.instances[i].box.x1 == b.instances[i].box.x1);
    CHECK(a.instances[i].box.y2 == b.instances[i].box.y2);
    CHECK(a.instances[i].mask.bits.pixels == b.instances[i].mask.bits.pixels);
  }
}

void check_all_same(const Dataset& a, const Dataset& b) {
  REQUIRE(a.size() == b.size());
  for (int64_t i = 0; i < a.size(); ++i) check_same(a.sample(i), b.sample(i));
}

// A dataset whose pictures cannot be read from their own files: what comes out is the cache's.
class Unreadable : public View {
 public:
  using View::View;
  Sample sample(int64_t) const override { fail("read from its own file"); }
};

// What the loader makes of training samples.
std::vector<uint8_t> loaded_bytes(const std::shared_ptr<const Dataset>& data, int64_t workers) {
  TransformOptions crops;
  crops.crop_size = 32, crops.scale_min = 0.75, crops.scale_max = 1.5, crops.min_sides = {};
  LoaderOptions options;
  options.batch = 3, options.workers = workers;
  const auto change = [crops](Sample& s, uint64_t epoch, int64_t index) { augment(s, crops, 7, epoch, static_cast<uint64_t>(index)); };
  Loader loader = Loader::endless(data, options, 7, change);
  std::vector<uint8_t> bytes;
  for (int k = 0; k < 6; ++k) {  // several epochs
    const auto batch = loader.next();
    for (const Sample& s : batch->samples) bytes.insert(bytes.end(), s.image.rgb.begin(), s.image.rgb.end());
  }
  return bytes;
}

}  // namespace

TEST_CASE("a packed picture is unpacked to the bit, and a damaged one is an error", "[cache]") {
  for (const PixelSize size : {PixelSize{1, 1}, PixelSize{1, 7}, PixelSize{9, 1}, PixelSize{31, 45}}) {
    Image image(size.height, size.width);
    for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i * i * 31 + i / 5);
    std::vector<std::byte> bytes = packed(image);
    CHECK(unpacked(bytes, size).rgb == image.rgb);
    for (size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 9)
      CHECK_THROWS_WITH(unpacked(std::span(bytes).first(cut), size), Contains("unpacked: "));
    CHECK_THROWS_WITH(unpacked(bytes, {size.height + 1, size.width}), Contains("unpacked: expected "));
    if (size.height > 1) CHECK_THROWS_WITH(unpacked(bytes, {size.height - 1, size.width}), Contains("unpacked: "));
    for (size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 40) {
      bytes[at] ^= std::byte{0x10};
      std::optional<Image> got;
      try {
        got = unpacked(bytes, size);
      } catch (const Error&) {}
      CHECK((!got || got->rgb == image.rgb));  // a bit that means nothing may differ
      bytes[at] ^= std::byte{0x10};
    }
  }
}

TEST_CASE("held at their size pictures are the dataset's own, and at a part of it means, masks and boxes that fit", "[cache]") {
  const DrawnCity city;
  const auto data = city_of(city);
  check_all_same(HeldPictures(data, 1, nullptr), *data);
  for (const int64_t n : {2, 3, 7}) {  // 80 × 144 is no multiple of the last two along one side
    const HeldPictures held(data, n, nullptr);
    for (int64_t i = 0; i < data->size(); ++i) {
      const Sample whole = data->sample(i), s = held.sample(i);
      ImageOptions by_n;
      by_n.reduce = static_cast<int>(n);
      CHECK(s.image.rgb == read_image(whole.info.file, by_n).rgb);
      CHECK(held.info(i).height == s.image.height);
      CHECK(held.info(i).width == s.image.width);
      CHECK(held.instances(i).size() == s.instances.size());
      size_t left = 0;
      for (const Instance& object : whole.instances) {
        const CroppedMask& m = object.mask;
        const auto is_in = [&](int64_t y, int64_t x) {
          y = n * y + n / 2 - m.y0, x = n * x + n / 2 - m.x0;
          return y >= 0 && x >= 0 && y < m.bits.height && x < m.bits.width && m.bits.at(static_cast<int>(y), static_cast<int>(x)) != 0;
        };
        Box box{1e9f, 1e9f, 0, 0};
        int64_t pixels = 0;
        for (int y = 0; y < s.image.height; ++y)
          for (int x = 0; x < s.image.width; ++x) {
            if (!is_in(y, x)) continue;
            ++pixels;
            box = {std::min(box.x1, static_cast<float>(x)), std::min(box.y1, static_cast<float>(y)),
                   std::max(box.x2, static_cast<float>(x + 1)), std::max(box.y2, static_cast<float>(y + 1))};
          }
        if (pixels == 0) continue;
        REQUIRE(left < s.instances.size());
        const Instance& got = s.instances[left++];
        CHECK(got.id == object.id);
        CHECK(got.crowd == object.crowd);
        CHECK(got.area == static_cast<double>(pixels));
        CHECK(got.box.x1 == box.x1);
        CHECK(got.box.y1 == box.y1);
        CHECK(got.box.x2 == box.x2);
        CHECK(got.box.y2 == box.y2);
        CHECK(got.mask.image_width == s.image.width);
        CHECK(count_pixels(got.mask) == pixels);
      }
      CHECK(left == s.instances.size());
    }
  }
  CHECK_THROWS_WITH(HeldPictures(data, 0, nullptr), Contains("data.reduce: must be from 1 to 64, got 0"));
}

TEST_CASE("training sees the same bits with a cache, an empty one or a full one, and without, by any number of workers", "[cache]") {
  const DrawnCity city(3);
  const auto data = city_of(city);
  for (const int64_t n : {1, 2}) {
    const std::string folder = city.folder / str("cache", n);
    const std::vector<uint8_t> bare = loaded_bytes(std::make_shared<HeldPictures>(data, n, nullptr), 0);
    if (n == 1) CHECK(loaded_bytes(data, 2) == bare);
    for (const int64_t workers : {2, 0, 3}) CHECK(loaded_bytes(std::make_shared<HeldPictures>(data, n, cache_in(folder)), workers) == bare);
    CHECK(entries(folder).size() == 6);
  }
}

TEST_CASE("what is in the cache is not read from its own file, and is what was put in", "[cache]") {
  const DrawnCity city;
  const auto data = city_of(city);
  const std::string folder = city.folder / "cache";
  const HeldPictures first(data, 2, cache_in(folder));
  CHECK_THAT(first.about_cache(),
             Contains("cache: 0 of 4 pictures; all of them take 0.0346 MB at most, and ") && Contains(" free on its disk"));
  check_all_same(first, first);
  const auto unreadable = std::make_shared<Unreadable>(data);
  const HeldPictures second(unreadable, 2, cache_in(folder));
  check_all_same(second, HeldPictures(data, 2, nullptr));
  CHECK_THAT(second.about_cache(), Contains("cache: 4 of 4 pictures ("));
  CHECK_THROWS_WITH(HeldPictures(unreadable, 1, cache_in(folder)).sample(0), Contains("read from its own file"));  // another setting
  // Drawn pictures have no file, and go by.
  const HeldPictures drawn(std::make_shared<SceneDataset>(drawn_scenes(1)), 2, cache_in(city.folder / "none"));
  CHECK(drawn.sample(0).image.height == 40);
  CHECK(entries(city.folder / "none").empty());
}

TEST_CASE("a picture that was replaced is not the one that is kept", "[cache]") {
  const DrawnCity city;
  const auto data = city_of(city);
  const std::string folder = city.folder / "cache";
  const HeldPictures held(data, 1, cache_in(folder));
  const std::string file = data->info(0).file;
  Image other = data->sample(0).image;
  for (uint8_t& v : other.rgb) v = static_cast<uint8_t>(v ^ 1);
  write_png(city.folder / "other.png", other);
  std::string ours = read_text_file(file), theirs = read_text_file(city.folder / "other.png");
  const size_t size = std::max(ours.size(), theirs.size());  // bytes behind a PNG's end are none of it
  ours.resize(size), theirs.resize(size);
  write_text_file(file, ours);
  const auto time = fs::last_write_time(file);
  CHECK(held.sample(0).image.rgb != other.rgb);
  usleep(20000);  // more than a tick of the file system's clock
  std::ofstream(file, std::ios::binary) << theirs;
  fs::last_write_time(file, time);  // as cp -p and rsync do: the same path, size and time
  CHECK(held.sample(0).image.rgb == other.rgb);
  CHECK(entries(folder).size() == 1);
  CHECK(HeldPictures(std::make_shared<Unreadable>(data), 1, cache_in(folder)).sample(0).image.rgb == other.rgb);
}

TEST_CASE("an entry that is cut short, damaged or of another picture counts for nothing and is made again", "[cache]") {
  const DrawnCity city(1);
  const auto data = city_of(city);
  const std::string folder = city.folder / "cache";
  const HeldPictures held(data, 1, cache_in(folder));
  const Sample expected = data->sample(0);
  check_same(held.sample(0), expected);
  REQUIRE(entries(folder).size() == 1);
  const std::string entry = entries(folder)[0], whole = read_text_file(entry);
  std::vector<std::string> damaged = {"", "mrcnn picture 2" + whole.substr(15), whole + "x"};
  for (const size_t cut : {size_t{1}, whole.find(" bytes"), whole.size() / 2, whole.size() - 1}) damaged.push_back(whole.substr(0, cut));
  for (size_t at = 3; at < whole.size(); at += 1 + whole.size() / 30) {
    damaged.push_back(whole);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 4);
  }
  for (const std::string& bytes : damaged) {
    write_text_file(entry, bytes);
    check_same(held.sample(0), expected);
    CHECK(read_text_file(entry) == whole);
  }
}

TEST_CASE("a writer that is killed leaves whole entries, and the next run that is alone sweeps up", "[cache]") {
  const DrawnCity city(3);
  const auto data = city_of(city);
  const std::string folder = city.folder / "cache";
  for (int kill_at = 1; kill_at <= 4; ++kill_at) {
    const pid_t child = fork();
    if (child == 0) {  // killed in the middle of writing entry `kill_at`
      try {
        const auto cache = cache_in(folder);
        const HeldPictures held(data, 1, cache);
        for (int64_t i = 0; i + 1 < kill_at; ++i) held.sample(i);
        const ImageInfo info = data->info(kill_at - 1);
        AtomicFile file(cache->entry(info.file, {info.height, info.width}, 1).path);
        file.write("mrcnn picture 1\n");
        kill(getpid(), SIGKILL);
      } catch (...) {}
      _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    const auto temporaries = [&] {
      return std::ranges::count_if(entries(folder), [](const std::string& name) { return name.ends_with(".tmp"); });
    };
    CHECK(temporaries() == 1);
    {
      const PictureCache alone(folder, 0);
      CHECK(temporaries() == 0);
      write_text_file(folder + "/.0123456789abcdef.picture.1.2.tmp", "another run is writing this");
      const PictureCache not_alone(folder, 0);
      CHECK(temporaries() == 1);
    }
    const HeldPictures after(data, 1, cache_in(folder));
    for (int64_t i = 0; i < kill_at; ++i) check_same(after.sample(i), data->sample(i));
  }
}

TEST_CASE("a full disk is told once, and training goes on without the cache to the same bits", "[cache]") {
  const DrawnCity city(3);
  const auto data = city_of(city);
  const std::string folder = city.folder / "cache";
  const std::vector<uint8_t> bare = loaded_bytes(data, 0);
  const auto cache = cache_in(folder);
  {
    const FileLimit full(1000);  // an entry is larger
    CHECK(loaded_bytes(std::make_shared<HeldPictures>(data, 1, cache), 2) == bare);
  }
  CHECK(entries(folder).empty());
  const auto fault = cache->fault();
  REQUIRE(fault);
  CHECK_THAT(*fault, Contains(".picture: cannot write: ") && Contains("File too large"));
  CHECK_FALSE(cache->fault());
  CHECK(loaded_bytes(std::make_shared<HeldPictures>(data, 1, cache), 2) == bare);
  CHECK(entries(folder).empty());  // it has given up, and asks no more
  CHECK_FALSE(cache->fault());
  // What is in it when the disk fills up is still used.
  CHECK(loaded_bytes(std::make_shared<HeldPictures>(data, 1, cache_in(folder)), 2) == bare);
  const FileLimit full(1000);
  const auto read_only = cache_in(folder);
  check_all_same(HeldPictures(std::make_shared<Unreadable>(data), 1, read_only), *data);
  CHECK_FALSE(read_only->fault());
}

TEST_CASE("the cache leaves room on its disk, and a folder that cannot be made is told", "[cache]") {
  const DrawnCity city(1);
  const auto data = city_of(city);
  const auto spare = std::make_shared<PictureCache>(city.folder / "spare", uint64_t{1} << 62);
  check_all_same(HeldPictures(data, 1, spare), *data);
  CHECK(entries(city.folder / "spare").empty());
  CHECK_THAT(spare->fault().value_or(""), Contains(" MiB left, and 4398046511104 MiB are kept for weights and checkpoints"));
  city.folder.write("file", "");
  const auto nowhere = cache_in(city.folder / "file/cache");
  check_all_same(HeldPictures(data, 1, nowhere), *data);
  CHECK_THAT(nowhere->fault().value_or(""), Contains("file/cache: cannot be created: "));
}
