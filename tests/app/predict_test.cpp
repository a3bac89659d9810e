// predict on whatever a folder holds, and on pictures that are too large.
#include <sys/resource.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/crc32.h"
#include "base/files.h"
#include "tests/app/program.h"

using namespace mr;
namespace fs = std::filesystem;

namespace {

// A little detector with initial weights, made once.
const std::string& weights() {
  static const std::string path = [] {
    const std::string run = folder() + "/detector";
    const Result r = mrcnn("train scenes_small --out " + run +
                           " --set train.iterations=1 --set train.batch=1 --set data.scenes.height=64 --set data.scenes.width=96"
                           " --set data.scenes.images=2 --set data.val_scenes=1 --set train.precision=f32 --set model.backbone.width=32"
                           " --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16");
    INFO(r.out << r.err);
    REQUIRE(r.status == 0);
    return run + "/last.safetensors";
  }();
  return path;
}

std::string number(uint64_t v, int bytes, bool big = false) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(v >> 8 * (big ? bytes - 1 - i : i));
  return s;
}

// A black RGB picture as PNG: a zlib stream of one literal and copies of it, 258 bytes in 13 bits. `orientation`: EXIF's; 0: it has none.
std::string black_png(uint32_t width, uint32_t height, uint64_t orientation = 0) {
  std::string stream = "\x78\x01";
  uint64_t bits = 0;
  int have = 0;
  const auto put = [&](uint32_t v, int n) {
    bits |= uint64_t{v} << have;
    for (have += n; have >= 8; have -= 8, bits >>= 8) stream += static_cast<char>(bits);
  };
  put(1 | 1 << 1, 3);  // the last block, with fixed codes
  const auto zero = [&] { put(0x0c, 8); };
  uint64_t left = uint64_t{height} * (uint64_t{3} * width + 1);
  const uint32_t adler = static_cast<uint32_t>(left % 65521) << 16 | 1;
  for (zero(), --left; left >= 258; left -= 258) put(0xa3, 8), put(0, 5);  // length 258, distance 1
  for (; left > 0; --left) zero();
  put(0, 7);
  put(0, 7);
  stream += number(adler, 4, true);
  std::string file = "\x89PNG\r\n\x1a\n";
  const auto chunk = [&](const std::string& typed) {
    file += number(typed.size() - 4, 4, true) + typed + number(crc32(std::as_bytes(std::span(typed))), 4, true);
  };
  chunk("IHDR" + number(width, 4, true) + number(height, 4, true) + std::string("\x08\x02\0\0\0", 5));
  if (orientation != 0)  // a TIFF structure of one tag
    chunk("eXIfII*" + std::string(1, '\0') + number(8, 4) + number(1, 2) + number(0x0112, 2) + number(3, 2) + number(1, 4) +
          number(orientation, 4) + number(0, 4));
  chunk("IDAT" + stream);
  chunk("IEND");
  return file;
}

// A grey picture as an uncompressed TIFF of one strip.
std::string grey_tiff(uint32_t width, uint32_t height) {
  std::string file = "II*" + std::string(1, '\0') + number(8, 4) + number(8, 2);
  const uint32_t pixels_at = 8 + 2 + 8 * 12 + 4;
  const uint32_t tags[8][2] = {{256, width}, {257, height},    {258, 8},      {259, 1},
                               {262, 1},     {273, pixels_at}, {278, height}, {279, width * height}};
  for (const auto& [tag, value] : tags) file += number(tag, 2) + number(4, 2) + number(1, 4) + number(value, 4);
  return file + number(0, 4) + std::string(width * height, '\x50');
}

std::string made(const std::string& name, const std::string& bytes) {
  const std::string path = folder() + "/" + name;
  fs::create_directories(fs::path(path).parent_path());
  write_text_file(path, bytes);
  return path;
}

}  // namespace

TEST_CASE("predict FOLDER reads what is a picture, and names what it leaves out", "[app]") {
  using namespace std::string_literals;
  made("mixed/a.pgm", "P5 64 48 255\n" + std::string(64 * 48, '\x40'));
  made("mixed/b.tif", grey_tiff(60, 40));
  made("mixed/c.webp", "RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"s);  // one pixel
  made("mixed/no_extension", black_png(50, 40));
  made("mixed/notes.txt", "cats\n");
  made("mixed/sub/d.png", black_png(5, 5));
  made("mixed/.hidden", "x");
  const std::string out = folder() + "/mixed_out", command = "predict " + weights() + " " + folder() + "/mixed --out " + out;
  const Result all = mrcnn(command);
  INFO(all.out << all.err);
  CHECK(all.status == 0);
  CHECK(all.err.find("mrcnn: left out of the folders: 2: ") != std::string::npos);
  for (const char* name : {"notes.txt", "mixed/sub"}) CHECK(all.err.find(name) != std::string::npos);
  for (const char* name : {"a.pgm: ", "b.tif: ", "c.webp: ", "no_extension: "}) CHECK(all.out.find(name) != std::string::npos);
  const std::string left = read_text_file(out + "/left_out.json");
  CHECK(left.find("notes.txt\",\n  \"picture\": false,\n  \"why\": \"is no picture\"") != std::string::npos);
  CHECK(left.find("is a folder") != std::string::npos);
  CHECK(left.find("hidden") == std::string::npos);
  const Result again = mrcnn("predict " + weights() + " " + folder() + "/mixed/a.pgm --overwrite --out " + out);
  CHECK(again.status == 0);
  CHECK_FALSE(fs::exists(out + "/left_out.json"));  // that of the run before
  write_text_file(out + "/left_out.json", left);

  // A picture that cannot be read is an error, whether its kind is not read or it is damaged; the others are done first.
  made("mixed/e.jpg", std::string("\0\0\0\x18", 4) + "ftypheic");
  made("mixed/f.png", "");
  check_error(command, out + ": holds results already (" + out + "/results.json; ");
  CHECK(read_text_file(out + "/left_out.json") == left);
  const Result some = mrcnn(command + " --overwrite");
  INFO(some.err);
  CHECK(some.status == 1);
  CHECK(some.err.find("2 of 6 images could not be read: ") != std::string::npos);
  CHECK(some.err.find("e.jpg': is a HEIC picture, which is not read: convert it first") != std::string::npos);
  CHECK(some.err.find("f.png': corrupt: the file is empty") != std::string::npos);
  CHECK(some.out.find("no_extension: ") != std::string::npos);
  CHECK(read_text_file(out + "/left_out.json").find("\"picture\": true") != std::string::npos);
  // So is a file that was named.
  check_error("predict " + weights() + " " + folder() + "/mixed/notes.txt --out " + out + "2", "notes.txt': is a text file, no picture");
  check_error("predict " + weights() + " " + folder() + "/mixed/sub/../sub --out " + folder() + "/mixed/sub", "would be written over");
}

TEST_CASE("predict: one bad entry of a folder is named, and the others are looked at", "[app]") {
  const std::string dir = folder() + "/entries", out = folder() + "/entries_out", not_utf8 = "a\xff\x1b[2J\n.png";
  made("entries/z.png", black_png(50, 40));
  made("entries/" + not_utf8, black_png(50, 40));
  made("entries/.hidden.png", black_png(5, 5));
  fs::create_symlink("loop.png", dir + "/loop.png");
  fs::create_symlink("nowhere.txt", dir + "/link.txt");
  const Result r = mrcnn("predict " + weights() + " " + dir + " --score 0.99 --out " + out);
  INFO(r.out << r.err);
  CHECK(r.status == 1);
  CHECK(r.err.find("1 of 3 images could not be read: image '" + dir + "/loop.png': Too many levels of symbolic links\n") !=
        std::string::npos);
  CHECK(r.err.find("left out of the folders: 2: " + dir + "/.hidden.png (is hidden); " + dir + "/link.txt (leads nowhere)\n") !=
        std::string::npos);
  CHECK(r.out.find(dir + "/z.png: ") != std::string::npos);
  CHECK(r.out.find(dir + "/a??[2J?.png: ") != std::string::npos);  // nothing that a terminal would obey, and one line
  const auto images = nlohmann::json::parse(read_text_file(out + "/images.json"));
  REQUIRE(images.size() == 2);
  CHECK(images[0]["file_name"] == dir + "/a\xef\xbf\xbd\x1b[2J\n.png");
  CHECK(nlohmann::json::parse(read_text_file(out + "/left_out.json")).size() == 3);
  const std::string page = "explain roi_align --json --box 0,0,20,20 --image '" + dir + "/" + not_utf8 + "'";
  CHECK(mrcnn(page).status == 0);
  check_error("predict " + weights() + " " + dir + "/loop.png --out " + out + "2", "loop.png: cannot be looked at: Too many levels");
}

TEST_CASE("predict: a drawing that cannot be written is named, the results and the other drawings are there", "[app]") {
  std::string noise = "P5 400 300 255\n";
  for (uint32_t i = 0, x = 1; i < 400 * 300; ++i, x = x * 1664525 + 1013904223) noise += static_cast<char>(x >> 24);
  const std::string a = made("drawn/a.pgm", noise), b = made("drawn/b.png", black_png(60, 40)), out = folder() + "/drawn_out";
  Started limited("ulimit -f 64; exec {} predict " + weights() + " " + a + " " + b + " --score 1 --scale 1 --out " + out);  // 32 KiB a file
  const Result r = limited.end();
  INFO(r.out << r.err);
  CHECK(r.status == 1);
  CHECK(r.err == "mrcnn: 1 drawings could not be written: drawing '" + out + "/a.png': File too large\n");
  CHECK_FALSE(fs::exists(out + "/a.png"));
  CHECK(fs::exists(out + "/b.png"));
  const auto images = nlohmann::json::parse(read_text_file(out + "/images.json"));
  REQUIRE(images.size() == 2);
  CHECK_FALSE(images[0].contains("picture"));
  CHECK(images[1]["picture"] == "b.png");
  CHECK(fs::exists(out + "/results.json"));
  fs::create_directories(folder() + "/drawn_other/b.png");
  check_error("predict " + weights() + " " + b + " --overwrite --out " + folder() + "/drawn_other",
              "drawn_other/b.png: is a folder, where a picture is to be drawn");
}

TEST_CASE("predict --overwrite replaces an earlier run's results and drawings, and nothing else", "[app]") {
  const std::string a = made("again/a.png", black_png(96, 64)), b = made("again/b.png", black_png(96, 64)), out = folder() + "/again_out",
                    command = "predict " + weights() + " --out " + out + " ";
  REQUIRE(mrcnn(command + a + " " + b).status == 0);
  const auto images = nlohmann::json::parse(read_text_file(out + "/images.json"));
  REQUIRE(images.size() == 2);
  CHECK(images[1]["picture"] == "b.png");
  const std::string mine = made("again_out/mine.png", "not the program's"), notes = made("again_out/notes.txt", "nor this");

  check_error(command + a, out + ": holds results already (");
  check_error(command + a + " --no-pictures", "choose another --out, or replace them with --overwrite");
  CHECK(fs::exists(out + "/b.png"));
  check_error("predict nowhere.safetensors --overwrite --out " + out + " " + a, "nowhere.safetensors");  // what is there stays
  CHECK(fs::exists(out + "/results.json"));
  const Result again = mrcnn(command + a + " --overwrite");
  INFO(again.err);
  CHECK(again.status == 0);
  CHECK(fs::exists(out + "/a.png"));
  CHECK_FALSE(fs::exists(out + "/b.png"));  // of a picture that this run has not seen
  CHECK(nlohmann::json::parse(read_text_file(out + "/images.json")).size() == 1);
  for (const std::string& file : {mine, notes, a, b}) CHECK(fs::exists(file));

  // A drawing would lie where some other file lies.
  made("again_other/a.png", "a picture of someone's");
  check_error("predict " + weights() + " " + a + " --out " + folder() + "/again_other", "again_other/a.png); choose another --out");
  // An earlier drawing that is looked at now is no longer the program's to remove.
  const Result own = mrcnn(command + out + "/a.png --overwrite --no-pictures");
  INFO(own.err);
  CHECK(own.status == 0);
  CHECK(fs::exists(out + "/a.png"));
  // What an images.json names elsewhere is not touched.
  write_text_file(out + "/images.json", R"([{"picture": "../again/b.png"}, {"picture": "notes.txt"}, {"picture": 3}, 4])");
  CHECK(mrcnn(command + a + " --overwrite --no-pictures").status == 0);
  for (const std::string& file : {notes, b}) CHECK(fs::exists(file));
  write_text_file(out + "/images.json", "{");
  CHECK(mrcnn(command + a + " --overwrite --no-pictures").status == 0);
}

TEST_CASE("predict draws small pictures enlarged, with labels as asked for", "[app]") {
  const std::string picture = made("look/a.png", black_png(150, 100));
  const auto drawn = [&](const std::string& options) {
    const std::string out = folder() + "/look_out";
    const Result r = mrcnn("predict " + weights() + " " + picture + " --score 0 --overwrite --out " + out + " " + options);
    INFO(options << ": " << r.out << r.err);
    REQUIRE(r.status == 0);
    return read_text_file(out + "/a.png");
  };
  const auto side = [](const std::string& png, size_t at) {  // of the header
    const auto* p = reinterpret_cast<const unsigned char*>(png.data()) + at;
    return p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
  };
  const auto width = [&](const std::string& png) { return side(png, 16); };
  const auto height = [&](const std::string& png) { return side(png, 20); };
  const std::string usual = drawn(""), none = drawn("--labels none"), ids = drawn("--labels ids");
  CHECK(width(usual) == 7 * 150);
  CHECK(width(none) == 7 * 150);
  CHECK(height(none) == 7 * 100);
  CHECK(height(ids) > height(usual));   // a line an object
  CHECK(height(usual) > height(none));  // a hundred objects have no room for a hundred labels: a legend counts them
  CHECK(height(drawn("--labels none --scale 1")) == 100);
  CHECK(height(drawn("--labels none --scale 2.5")) == 250);
  CHECK(drawn("--labels none --line 1") != none);
  CHECK(drawn("") == usual);
  const std::string start = "predict " + weights() + " " + picture + " --out " + folder() + "/look_bad ";
  check_error(start + "--labels some", "--labels");
  check_error(start + "--scale 0", "--scale");
  check_error(start + "--scale 100", "--scale");
  check_error(start + "--line 0", "--line");
  check_error(start + "--labels ids --no-pictures", "--no-pictures");
}

TEST_CASE("predict leaves a picture out that is too large for the memory, and goes on", "[app]") {
  const std::string small = made("large/b.png", black_png(64, 64)), out = folder() + "/large_out";
  // 52,000 × 52,000 pixels as the network would see them: more than 100 GB, told from the header.
  const Result huge = mrcnn("predict " + weights() + " " + made("large/a.png", black_png(13000, 13000)) + " " + small + " --out " + out +
                            " --whole --set preprocess.min_side=0 --set preprocess.enlarge=4");
  INFO(huge.out << huge.err);
  CHECK(huge.status == 1);
  CHECK(huge.err.find("1 of 2 images could not be read: image '" + folder() + "/large/a.png': 13000×13000 pixels take ") !=
        std::string::npos);
  CHECK(huge.err.find(" MB of memory or more, and ") != std::string::npos);
  CHECK(huge.out.find(small + ": ") != std::string::npos);
  CHECK(read_text_file(out + "/images.json").find(small) != std::string::npos);
}

TEST_CASE("predict takes less than 1 GB for a picture of 13,000 × 13,000", "[app]") {
  const std::string huge = made("huge/a.png", black_png(13000, 13000)), out = folder() + "/huge_out";
  const Result r = mrcnn("predict " + weights() + " " + huge + " --score 0 --out " + out);
  rusage used{};
  getrusage(RUSAGE_CHILDREN, &used);
  INFO(r.out << r.err << used.ru_maxrss << " kB");
  CHECK(r.status == 0);
  CHECK(r.out.find(" of 13000×13000; drawn at ") != std::string::npos);
  CHECK(read_text_file(out + "/images.json").find("\"width\": 13000") != std::string::npos);
  CHECK(read_text_file(out + "/results.json").find("\"size\": [13000, 13000]") != std::string::npos);
  CHECK(used.ru_maxrss < 1'000'000'000 / 1024);
}

TEST_CASE("predict --annotations reads a picture on its side as its annotations mean it", "[app]") {
  const std::string pictures = folder() + "/side";
  made("side/a.png", black_png(96, 64, 6));
  const auto predicted = [&](int width, int height) {
    const std::string truth =
        made(str("side_", width, ".json"), str(R"({"images": [{"id": 5, "file_name": "a.png", "width": )", width, R"(, "height": )", height,
                                               R"(}], "categories": [{"id": 1, "name": "car"}],)", R"( "annotations": []})"));
    return mrcnn("predict " + weights() + " " + pictures + " --score 0 --annotations " + truth + " --out " + folder() +
                 str("/side_", width));
  };
  for (const auto& [width, height] : {std::pair(96, 64), std::pair(64, 96)}) {
    const Result r = predicted(width, height);
    INFO(r.out << r.err);
    REQUIRE(r.status == 0);
    const auto images = nlohmann::json::parse(read_text_file(folder() + str("/side_", width, "/images.json")));
    CHECK(images[0]["width"] == width);
    CHECK(images[0]["height"] == height);
    const auto found = nlohmann::json::parse(read_text_file(folder() + str("/side_", width, "/results.json")));
    REQUIRE(!found.empty());
    CHECK(found[0]["segmentation"]["size"] == nlohmann::json({height, width}));
  }
  const Result r = predicted(95, 64);
  CHECK(r.status == 1);
  CHECK(r.err.find("the annotations state 64x95") != std::string::npos);
}
