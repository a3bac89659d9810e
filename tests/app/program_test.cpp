// The program as a user meets it: exit codes, one-line messages, files that appear whole or not at all.
#include "tests/app/program.h"

#include <regex>

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

TEST_CASE("every subcommand explains itself", "[app]") {
  CHECK(mrcnn("--version").status == 0);
  for (const char* command : {"",
                              "train",
                              "eval",
                              "predict",
                              "report",
                              "coco-eval",
                              "weights",
                              "weights show",
                              "weights fit",
                              "weights convert",
                              "dataset",
                              "dataset draw",
                              "dataset crops",
                              "dataset convert",
                              "dataset lint",
                              "dataset stats",
                              "dataset show",
                              "recipe",
                              "recipe list",
                              "recipe show",
                              "recipe new",
                              "proposals",
                              "bench",
                              "bench ops",
                              "bench model",
                              "explain"}) {
    const Result r = mrcnn(std::string(command) + " --help");
    INFO(command);
    CHECK(r.status == 0);
    CHECK(r.err.empty());
    CHECK(r.out.find("Usage:") != std::string::npos);
  }
}

TEST_CASE("mistakes on the command line are one line and a status", "[app]") {
  check_error("", "subcommand");
  check_error("trian", "mrcnn: there is no subcommand trian; the nearest is train");
  check_error("dataset lnit", "mrcnn: dataset: there is no subcommand lnit; the nearest is lint");
  check_error("zebra", "mrcnn: there is no subcommand zebra\n");
  for (const char* mistake : {"", "trian", "dataset lnit", "train", "explain dig", "explain conv --box 1,2,3,4", "dataset stats",
                              "train scenes_small --out x --skip-mismatch"}) {
    INFO(mistake);
    CHECK(mrcnn(mistake).status == 2);
  }
  check_error("train", "RECIPE");
  check_error("train scenes_small --out " + folder() + "/x --no-such-flag", "--no-such-flag");
  check_error("explain conv b c a", "these words were not expected: b c a (--help tells more)");
  check_error("train scenes_small --out " + folder() + "/x --set train.batch=2 train.seed=3",
              "this word was not expected: train.seed=3; --set takes one setting: --set train.seed=3");
  check_error("train scenes_smal --out " + folder() + "/x", "the nearest is scenes_small");
  check_error("train scenes_small --out " + folder() + "/x --set train.batch=0", "train.batch: must be from 1 to 4096, got 0");
  check_error("train scenes_small --out " + folder() + "/x --set optimiser.lr=nan", "optimiser.lr: must be above 0, got nan");
  check_error("train scenes_small --out " + folder() + "/x --set data.workers=-1", "data.workers");
  check_error("train scenes_small --out " + folder() + "/x --set tarin.batch=1", "the nearest is train.batch");
  check_error("train nuclei_small --out " + folder() + "/x", "--set data.root=DIR");
  check_error("train scenes_small --out /proc/nowhere", "/proc/nowhere");
  check_error("train scenes_small --out " + folder() + "/device --device gpu", "--device: expected cpu, cuda, cuda:N or emulated, got gpu");
  check_error("train scenes_small --out " + folder() + "/device --device cuda:99", "--device: expected ");
  for (const char* command : {"bench model", "bench ops", "predict", "eval", "explain roi_align"}) {  // before what else is missing
    INFO(command);
    const Result r = mrcnn(std::string(command) + " --device cuda:99");
    CHECK(r.status == 2);
    CHECK_THAT(r.err, Contains("--device: expected "));
  }
  CHECK_THAT(mrcnn("train --help").out, Contains("--set KEY=VALUE  "));  // without the dots of a list
  check_error("explain conv --device cpu", "explain: conv: does not use --device");
  CHECK(!std::filesystem::exists(folder() + "/device"));
  check_error("eval nowhere.safetensors", "nowhere.safetensors");
  check_error("eval " + folder(), "folder");
  check_error("predict nowhere.safetensors a.jpg --out " + folder() + "/p", "a.jpg: there is no such file");
  check_error("coco-eval a.json b.json --type box", "--type");
  check_error("coco-eval a.json b.json --type bbox", "a.json");
  check_error("weights show nowhere.pth", "nowhere.pth");
  check_error("bench model --set train.threads=-1", "train.threads");
  check_error("bench ops --filter nope", "--filter nope: expected a part of one of conv 7x7/2 3-64 1x800x1216 forward, ");
  check_error("bench ops --filter nope", "roi_pool 1000 7x7 256 backward, nms 2000");
  check_error("bench model --recipe scenes_small --filter nope", "--filter nope: expected a part of one of f32.inference, f32.train");
  check_error("dataset draw --out " + folder() + "/x --images 0", "--images: Value 0 not in range 1 to 1000000000000");
  check_error("dataset draw --out " + folder() + "/x --images 1 --first 9223372036854775806", "not in range 0 to 1000000000000");
  check_error("dataset draw --out " + folder() + "/x --images 1 --set data.scenes.first=9223372036854775806",
              "data.scenes.first: must be from 0 to 92233720368");
  check_error("predict nowhere.safetensors a.jpg b.jpg --out " + folder() + "/p", "a.jpg: there is no such file or folder; b.jpg: there");
  check_error("train " + std::string(300, 'n') + " --out " + folder() + "/x", "nnn is neither a file nor one of");
  CHECK_FALSE(fs::exists(folder() + "/x/recipe.toml"));
}

TEST_CASE("recipes are listed, shown, and can be read again", "[app]") {
  const Result list = mrcnn("recipe list");
  CHECK(list.status == 0);
  for (const char* name : {"scenes_small", "nuclei_small", "nuclei_r50_fpn", "coco_r50_fpn_paper", "coco_r50_fpn_torchvision",
                           "cityscapes_night", "trunk_r18"})
    CHECK(list.out.find(name) != std::string::npos);
  const std::string json = mrcnn("recipe list --json").out;
  CHECK(json.rfind("[\n {\n  \"name\": \"", 0) == 0);
  CHECK(json.find("\"name\": \"scenes_small\",\n  \"about\": \"") != std::string::npos);
  const Result shown = mrcnn("recipe show nuclei_small --set optimiser.lr=0.125");
  CHECK(shown.out.find("lr = 0.125 ") != std::string::npos);
  write_text_file(folder() + "/mine.toml", shown.out);
  CHECK(mrcnn("recipe show " + folder() + "/mine.toml").out == shown.out);
}

TEST_CASE("stopped and resumed, with any number of workers: the same weights file, to the byte", "[app]") {
  const std::string train =
      "train scenes_small --set train.iterations=5 --set train.batch=2 --set data.scenes.height=64"
      " --set data.scenes.width=96 --set data.scenes.images=7 --set data.val_scenes=0 --set model.backbone.width=32"
      " --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16 --set train.precision=f32";
  const std::string whole = folder() + "/whole", broken = folder() + "/broken";
  REQUIRE(mrcnn(train + " --set data.workers=0 --out " + whole).status == 0);
  REQUIRE(mrcnn(train + " --set data.workers=4 --set train.stop_at=3 --out " + broken).status == 0);
  const Result resumed = mrcnn(train + " --set data.workers=4 --resume --out " + broken);
  INFO(resumed.out << resumed.err);
  REQUIRE(resumed.status == 0);
  CHECK(resumed.out.find("resuming at iteration 3") != std::string::npos);
  for (const char* name : {"/last.safetensors", "/best.safetensors"}) {
    const bool same = read_text_file(whole + name) == read_text_file(broken + name);
    INFO(name);
    CHECK(same);
  }
}

TEST_CASE("a run trains, evaluates, predicts, a used folder wants --resume", "[app]") {
  const std::string run = folder() + "/run";
  const std::string train =
      "train scenes_small --out " + run +
      " --set train.iterations=2 --set train.batch=1 --set data.scenes.height=64 --set data.scenes.width=96"
      " --set data.scenes.images=4 --set data.val_scenes=2 --set train.log_every=1 --set train.precision=f32"
      " --set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16";
  const Result trained = mrcnn(train);
  INFO(trained.out << trained.err);
  REQUIRE(trained.status == 0);
  for (const char* name : {"recipe.toml", "metrics.jsonl", "best.safetensors", "last.safetensors", "checkpoints"})
    CHECK(fs::exists(run + "/" + name));
  check_error(train, "holds a run already");
  // A start that failed leaves nothing in the way of the next.
  const std::string failed = folder() + "/failed";
  check_error("train nuclei_small --out " + failed, "there is no such file");
  check_error("train nuclei_small --out " + failed, "there is no such file");
  check_error("train scenes_small --skip-mismatch --out " + failed, "--skip-mismatch: expected --init FILE too");
  CHECK(mrcnn(train + " --resume").status == 0);

  const Result figures = mrcnn("eval " + run + "/best.safetensors --json");
  CHECK(figures.status == 0);
  CHECK(figures.out.rfind("{\"bbox\": {\"AP\": ", 0) == 0);
  CHECK(figures.out.find("\"segm\": {\"AP\": ") != std::string::npos);
  CHECK(mrcnn("weights show " + run + "/best.safetensors").status == 0);

  const std::string data = folder() + "/drawn";
  CHECK(mrcnn("dataset draw --images 2 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  REQUIRE(fs::exists(data + "/instances_train.json"));
  const std::string truth = data + "/instances_train.json", out = folder() + "/predicted";
  const Result predicted =
      mrcnn("predict " + run + "/best.safetensors " + data + "/images --score 0 --annotations " + truth + " --out " + out);
  INFO(predicted.err);
  REQUIRE(predicted.status == 0);
  CHECK(std::distance(fs::directory_iterator(out), fs::directory_iterator()) == 2 + 3);
  for (const char* type : {"segm --json", "bbox"}) {
    const std::string results = std::string(type) == "bbox" ? "/results_bbox.json" : "/results.json";
    CHECK(mrcnn("coco-eval " + truth + " " + out + results + " --type " + type).status == 0);
  }
  CHECK(mrcnn("eval " + run + "/best.safetensors --type segm --max-dets 10 --annotations " + truth + " --images " + data + "/images")
            .status == 0);

  write_text_file(folder() + "/broken.png", "\x89PNG");
  check_error("predict " + run + "/best.safetensors " + folder() + "/broken.png --out " + folder() + "/p2", "broken.png");
  CHECK_FALSE(fs::exists(folder() + "/p2/results.json"));

  // Pictures never land on what was read, nor on one another; the same name in two folders is told apart by the folder.
  const std::string some = folder() + "/some", best = run + "/best.safetensors";
  for (const char* sub : {"/x", "/y"}) fs::create_directories(some + sub);
  const fs::path scene = fs::directory_iterator(data + "/images")->path();
  for (const char* name : {"/x/a.png", "/y/a.png", "/a_2.png"}) fs::copy_file(scene, some + name);
  check_error("predict " + best + " " + some + "/x --out " + some + "/x", "a.png: is a picture to be read, and would be written over");
  CHECK(read_text_file(some + "/x/a.png") == read_text_file(scene.string()));
  const std::string in_folders = R"({"images": [{"id": 7, "file_name": "x/a.png", "height": 64, "width": 96},
      {"id": 8, "file_name": "y/a.png", "height": 64, "width": 96}, {"id": 9, "file_name": "a_2.png", "height": 64, "width": 96}],
      "annotations": [], "categories": [{"id": 1, "name": "car"}]})";
  write_text_file(some + "/two.json", in_folders);
  const std::string inputs = some + "/x/a.png " + some + "/y/a.png " + some + "/a_2.png";
  CHECK(mrcnn("predict " + best + " " + inputs + " --annotations " + some + "/two.json --out " + some + "/out").status == 0);
  for (const char* name : {"/a.png", "/a_2.png", "/a_2_2.png"}) CHECK(fs::exists(some + "/out" + name));
  const std::string ids = read_text_file(some + "/out/images.json");
  for (const char* id : {"\"id\": 7", "\"id\": 8", "\"id\": 9"}) CHECK(ids.find(id) != std::string::npos);
  write_text_file(some + "/same.json", std::regex_replace(in_folders, std::regex("y/a.png"), "x/a.png"));
  check_error("predict " + best + " " + some + "/x/a.png --annotations " + some + "/same.json --out " + some + "/out2", "got 2 of the 2");

  CHECK(mrcnn("dataset lint --annotations " + truth + " --images " + data + "/images").status == 0);
  CHECK(mrcnn("dataset stats --json --annotations " + truth).out.rfind("{", 0) == 0);
  CHECK(mrcnn("dataset stats --recipe scenes_small --set data.scenes.images=2").status == 0);
  write_text_file(folder() + "/bad.json", "{\"images\": 3}");
  CHECK(mrcnn("dataset lint --json --annotations " + folder() + "/bad.json").status == 1);

  const Result made = mrcnn("recipe new --annotations " + truth + " --images " + data + "/images --out " + folder() + "/made.toml");
  INFO(made.err);
  CHECK(made.status == 0);
  CHECK(mrcnn("recipe show " + folder() + "/made.toml").status == 0);
  CHECK(mrcnn("dataset show " + folder() + "/made.toml --images 2 --out " + folder() + "/shown").status == 0);
}
