// What is wrong with a user's files, met by the program: it is named, and what was there stays.
#include <unistd.h>

#include <cstring>
#include <limits>

#include "tests/app/program.h"

using namespace mr;
namespace fs = std::filesystem;

namespace {

const std::string tiny =
    " --set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16"
    " --set train.precision=f32 --set train.batch=1 --set data.scenes.height=64 --set data.scenes.width=96";

// Six drawn scenes as files, DIR/instances_train.json and DIR/images.
std::string drawn_files(const std::string& name) {
  const std::string path = folder() + "/" + name;
  REQUIRE(mrcnn("dataset draw --images 6 --out " + path + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  return path;
}

// A run of 6 steps on them: each image once.
std::string train_on(const std::string& data, const std::string& out) {
  return "train scenes_small --out " + out + tiny + " --set train.iterations=6 --set data.kind=coco --set data.root=" + data +
         " --set data.val_annotations=";
}

std::vector<fs::path> images_of(const std::string& data) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(data + "/images")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string bytes_of(const std::string& run) { return read_text_file(run + "/last.safetensors") + read_text_file(run + "/recipe.toml"); }

}  // namespace

TEST_CASE("an image that cannot be read ends a run, which is saved and goes on once it is mended", "[app]") {
  const std::string data = drawn_files("mended"), whole = folder() + "/mended_whole", broken = folder() + "/mended_broken";
  REQUIRE(mrcnn(train_on(data, whole)).status == 0);
  const fs::path image = images_of(data)[2];
  const std::string good = read_text_file(image.string());
  write_text_file(image.string(), good.substr(0, good.size() / 2));
  check_error(train_on(data, broken), image.filename().string());
  check_error(train_on(data, broken) + " --resume", "; saved as after iteration ");
  CHECK(fs::exists(broken + "/last.safetensors"));
  write_text_file(image.string(), good);
  CHECK(mrcnn(train_on(data, broken) + " --resume").status == 0);
  const bool same = bytes_of(whole) == bytes_of(broken);
  CHECK(same);
}

TEST_CASE("image files that are missing are counted before a run begins, and before a recipe is made", "[app]") {
  const std::string data = drawn_files("missing"), out = folder() + "/missing_run", made = folder() + "/missing.toml";
  const std::vector<fs::path> files = images_of(data);
  for (const size_t i : {1, 4}) fs::remove(files[i]);
  const std::string told = "2 of 6 image files are missing: " + files[1].string() + ", " + files[4].string();
  check_error(train_on(data, out), "data.train_images: " + told);
  CHECK_FALSE(fs::exists(out + "/recipe.toml"));
  const std::string make = "recipe new --annotations " + data + "/instances_train.json --out " + made + " --images ";
  check_error(make + data + "/images", told);
  check_error(make + folder() + "/nowhere", "nowhere: 6 of 6 image files are missing: ");
  CHECK_FALSE(fs::exists(made));
}

TEST_CASE("a loss that is not finite ends a run, and no such weights are written", "[app]") {
  const std::string out = folder() + "/wild";
  const std::string train = "train scenes_small --out " + out + tiny + " --set data.scenes.images=4 --set data.val_scenes=0" +
                            " --set train.iterations=20 --set schedule.warmup=0 --set train.budget= --set optimiser.lr=";
  const Result r = mrcnn(train + "1e12");
  INFO(r.err);
  CHECK(r.status == 1);
  CHECK((r.err.find("; saved as after iteration ") != std::string::npos || r.err.find("which is not saved") != std::string::npos));
  if (fs::exists(out + "/last.safetensors")) {
    const std::string shown = mrcnn("weights show --json " + out + "/last.safetensors").out;
    CHECK(shown.find("\"not_finite\": 0}") != std::string::npos);
    CHECK(shown.find("\"not_finite\": 1") == std::string::npos);
  }
}

TEST_CASE("resuming wants a run, and leaves a finished one as it is", "[app]") {
  const std::string data = drawn_files("resumed"), out = folder() + "/resumed_run", empty = folder() + "/resumed_empty";
  check_error(train_on(data, out) + " --resume", "resumed_run: --resume: there is no such folder");
  CHECK_FALSE(fs::exists(out));
  fs::create_directories(empty);
  write_text_file(empty + "/photo.jpg", "");
  check_error(train_on(data, empty) + " --resume",
              "resumed_empty: --resume: expected a run, got a folder with photo.jpg and nothing of a run");
  REQUIRE(mrcnn(train_on(data, out)).status == 0);
  const std::string before = bytes_of(out);
  const auto written = fs::last_write_time(out + "/last.safetensors");
  check_error(train_on(data, out) + " --resume --set optimiser.lr=0.5", "the run is finished, after iteration 6, and other settings");
  const Result again = mrcnn(train_on(data, out) + " --resume");
  CHECK(again.status == 0);
  CHECK(again.out.find("nothing is left to do") != std::string::npos);
  CHECK(bytes_of(out) == before);
  CHECK(fs::last_write_time(out + "/last.safetensors") == written);
  const std::string best = out + "/best.safetensors";
  fs::rename(best, best + ".away");
  const Result robbed = mrcnn(train_on(data, out) + " --resume");
  CHECK(robbed.status == 0);
  CHECK(robbed.out.find(best + " is gone; the last weights are in " + out + "/last.safetensors") != std::string::npos);
  fs::rename(best + ".away", best);
  // Without its checkpoints it would begin again, over what it learnt.
  for (const bool emptied : {true, false}) {
    for (const auto& checkpoint : fs::directory_iterator(out + "/checkpoints")) fs::remove(checkpoint);
    if (!emptied) fs::remove(out + "/checkpoints");
    check_error(train_on(data, out) + " --resume", "resumed_run: --resume: the run's checkpoints are gone");
    CHECK(bytes_of(out) == before);
  }
}

TEST_CASE("weights with a value that is not finite are refused by name", "[app]") {
  const std::string data = drawn_files("odd"), run = folder() + "/odd_run", odd = folder() + "/odd.safetensors";
  REQUIRE(mrcnn(train_on(data, run)).status == 0);
  std::string bytes = read_text_file(run + "/last.safetensors");
  const std::string sums = "mrcnn.crc32";  // under another name the checksums are not looked at
  bytes.replace(bytes.find(sums), sums.size(), "mrcnn.crc00");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + bytes.size() - sizeof nan, &nan, sizeof nan);
  write_text_file(odd, bytes);
  const std::string told = ": expected finite numbers, got nan as value ";
  check_error("predict " + odd + " " + data + "/images --out " + folder() + "/odd_found", told);
  check_error("eval " + odd + " --annotations " + data + "/instances_train.json --images " + data + "/images", told);
  check_error(train_on(data, folder() + "/odd_again") + " --init " + odd, told);
  // Pictures that cannot be read are all named, once the others are done.
  const std::vector<fs::path> files = images_of(data);
  for (const size_t i : {0, 3}) write_text_file(files[i].string(), "no picture");
  const Result found = mrcnn("predict " + run + "/last.safetensors " + data + "/images --out " + folder() + "/odd_found");
  INFO(found.err);
  CHECK(found.status == 1);
  CHECK(found.err.find("2 of 6 images could not be read: ") != std::string::npos);
  for (const size_t i : {0, 3}) CHECK(found.err.find(files[i].filename().string()) != std::string::npos);
}

TEST_CASE("dataset draw writes nothing over", "[app]") {
  const std::string data = drawn_files("twice"), before = read_text_file(data + "/instances_train.json");
  check_error("dataset draw --images 1 --out " + data, "/instances_train.json: exists already, and is not written over");
  CHECK(read_text_file(data + "/instances_train.json") == before);
  CHECK(mrcnn("dataset draw --images 1 --split val --out " + data).status == 0);
}

TEST_CASE("an empty data set is told", "[app]") {
  const std::string none = folder() + "/none.json", results = folder() + "/results.json";
  write_text_file(none, R"({"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]})");
  write_text_file(results, "[]");
  const Result lint = mrcnn("dataset lint --annotations " + none);
  CHECK(lint.status == 1);
  CHECK(lint.out.find("error: images: there are none") != std::string::npos);
  const Result figures = mrcnn("coco-eval " + none + " " + results + " --type bbox");
  CHECK(figures.status == 0);
  CHECK(figures.err.find("none.json has no object that counts: figures without one are -1") != std::string::npos);
}

TEST_CASE("a folder that may not be read is named without a stack of words", "[app]") {
  if (geteuid() == 0) return skip("root may read any folder");
  const std::string closed = folder() + "/closed";
  fs::create_directories(closed);
  fs::permissions(closed, fs::perms::none);
  check_error("predict x.safetensors " + closed + " --out " + folder() + "/p", "closed: Permission denied");
  fs::permissions(closed, fs::perms::owner_all);
}
