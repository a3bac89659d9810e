// What befalls a run from outside: signals, closed outputs, a second training, a folder left half made.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/app/program.h"

using namespace mr;
namespace fs = std::filesystem;

namespace {

const std::string settings =
    " --set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16"
    " --set train.precision=f32 --set train.batch=1 --set data.scenes.height=64 --set data.scenes.width=96"
    " --set data.scenes.images=6 --set data.val_scenes=0 --set train.budget= --set train.log_every=1";

std::string out_of(const std::string& name) { return folder() + "/" + name; }

std::string train(const std::string& name, int iterations = 6) {
  return "train scenes_small --out " + out_of(name) + settings + " --set train.iterations=" + std::to_string(iterations);
}
// One that goes on until it is stopped.
std::string endless(const std::string& name) { return "exec {} " + train(name, 1000000); }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string metrics_of(const std::string& name) { return out_of(name) + "/metrics.jsonl"; }

// The iterations that the lines of metrics.jsonl tell of. Fails where a line is not JSON.
std::vector<int64_t> logged(const std::string& name) {
  std::ifstream in(metrics_of(name));
  std::vector<int64_t> iterations;
  for (std::string line; std::getline(in, line);) iterations.push_back(nlohmann::json::parse(line).at("iteration").get<int64_t>());
  return iterations;
}

const std::vector<int64_t> one_to_six = {1, 2, 3, 4, 5, 6};

std::string weights_of(const std::string& name) { return read_text_file(out_of(name) + "/last.safetensors"); }

const std::string& expected_weights() {
  static const std::string weights = [] {
    REQUIRE(mrcnn(train("expected")).status == 0);
    return weights_of("expected");
  }();
  return weights;
}

bool as_expected(const std::string& name) { return weights_of(name) == expected_weights(); }

int64_t checkpoints(const std::string& name) {
  return std::distance(fs::directory_iterator(out_of(name) + "/checkpoints"), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a second training into a folder is refused and told of the first, reading is not", "[app]") {
  Started first(endless("shared"));
  REQUIRE(first.has_written(metrics_of("shared")));
  const std::string told = "shared: another training writes here: process " + std::to_string(first.process()) + " on ";
  check_error(train("shared"), told);
  check_error(train("shared") + " --resume", told);
  first.kill(SIGTERM);
  CHECK(first.end().status == 128 + SIGTERM);
  Started again(endless("shared") + " --resume");
  REQUIRE(again.has_written(out_of("shared") + "/last.safetensors"));
  CHECK(mrcnn("weights show " + out_of("shared") + "/last.safetensors").status == 0);
  again.kill(SIGKILL);
  CHECK(again.end().status == 128 + SIGKILL);
  CHECK(mrcnn(train("shared", 1) + " --resume").status != 0);  // the lock is gone with its holder: another error
  CHECK_FALSE(holds(mrcnn(train("shared", 1) + " --resume").err, "another training"));
}

TEST_CASE("a folder left half made by a killed run is resumed from the beginning, with a word", "[app]") {
  for (const std::string left : {"metrics.jsonl", "recipe.toml", "last.safetensors", ".lock"}) {
    INFO(left);
    const std::string name = "half_" + left, path = out_of(name);
    fs::create_directories(path + "/checkpoints");
    if (left == "recipe.toml") {
      fs::copy_file(out_of("expected") + "/recipe.toml", path + "/recipe.toml");
    } else {
      std::ofstream(path + "/" + left) << "{\"iteration\":1}\n";
    }
    std::ofstream(path + "/checkpoints/.iteration_00000003.checkpoint.1.0.tmp") << "half";
    if (left != ".lock") check_error(train(name), ": holds a run already (" + left + "); --resume goes on with it");
    const Result r = mrcnn(train(name) + " --resume");
    INFO(r.err);
    CHECK(r.status == 0);
    CHECK(holds(r.out, "holds no checkpoint yet: starting from the beginning"));
    CHECK(as_expected(name));
    CHECK(logged(name) == one_to_six);
    CHECK(checkpoints(name) == 1);
  }
}

TEST_CASE("files of a run do not get the numbers of closed standard streams", "[app]") {
  for (const std::string closed : {">&-", "<&- >&- 2>&-", "2>&-"}) {
    const std::string name = "closed_" + std::to_string(closed.size());
    Started run("exec {} " + train(name) + " " + closed);
    CHECK(run.end().status == 0);
    CHECK(logged(name) == one_to_six);
    CHECK(as_expected(name));
  }
}

TEST_CASE("a broken line of metrics.jsonl does not keep a run from being resumed", "[app]") {
  REQUIRE(mrcnn(train("torn") + " --set train.stop_at=3").status == 0);
  std::string text = read_text_file(metrics_of("torn"));
  text.insert(text.find('\n') + 1, "{\"iteration\":\"two\"}\n");
  write_text_file(metrics_of("torn"), text + "{\"iteration\":4,\"lo");
  const Result r = mrcnn(train("torn") + " --resume");
  INFO(r.err);
  CHECK(r.status == 0);
  CHECK(holds(r.out, "WARNING: " + metrics_of("torn") + ": 2 lines are no metrics and left out: lines 2, 5"));
  CHECK(logged("torn") == one_to_six);
  CHECK(as_expected("torn"));
}

TEST_CASE("signals that ask for an end save the run, and a second one does not undo it", "[app]") {
  struct Case {
    std::string name;
    std::vector<int> signals;
  };
  for (const Case& c :
       {Case{"hangup", {SIGHUP}}, Case{"term_thrice", {SIGTERM, SIGTERM, SIGTERM}}, Case{"int_passed_on", {SIGINT, SIGINT}}}) {
    INFO(c.name);
    Started run(endless(c.name));
    REQUIRE(run.has_written(metrics_of(c.name)));
    for (const int signal : c.signals) run.kill(signal);
    const Result r = run.end();
    INFO(r.err);
    CHECK(r.status == 128 + c.signals[0]);
    CHECK(holds(r.out, "--resume goes on from here"));
    CHECK(checkpoints(c.name) == 1);
  }
}

TEST_CASE("under nohup a hang-up is ignored", "[app]") {
  Started run("trap '' HUP; exec {} " + train("nohup", 400));
  REQUIRE(run.has_written(metrics_of("nohup")));
  run.kill(SIGHUP);
  usleep(200000);
  run.kill(SIGTERM);
  CHECK(run.end().status == 128 + SIGTERM);
}

TEST_CASE("a run whose console goes away, or is full, goes on to its end", "[app]") {
  Started piped("exec {} " + train("piped") + " | head -n 1");
  CHECK(piped.end().status == 0);
  Started full("exec {} " + train("full") + " >/dev/full");
  const Result r = full.end();
  CHECK(r.status == 0);
  CHECK(
      holds(r.err, "mrcnn: standard output: cannot be written: the disk is full (No space left on device); the run goes on without it\n"));
  CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
  for (const std::string name : {"piped", "full"}) {
    CHECK(as_expected(name));
    CHECK(checkpoints(name) == 1);
  }
}

TEST_CASE("a limit on a file's size is an error with a name, and the run goes on where it is lifted", "[app]") {
  Started limited("ulimit -f 64; exec {} " + train("limited"));  // 32 KiB: the metrics fit, the weights do not
  const Result r = limited.end();
  INFO(r.err);
  CHECK(r.status == 1);
  CHECK(holds(r.err, "last.safetensors: cannot write: File too large; the file is as it was before"));
  CHECK(mrcnn(train("limited") + " --resume").status == 0);
  CHECK(as_expected("limited"));
}

TEST_CASE("what may not be read is called so, not missing or damaged", "[app]") {
  const std::string program = MRCNN_PROGRAM, as_nobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups {} ";
  Started version(as_nobody + "--version");
  if (version.end().status != 0) return skip("the program cannot be run as another user here");
  REQUIRE(mrcnn(train("closed_to_us", 3)).status == 0);
  const std::string path = out_of("closed_to_us"), checkpoint = path + "/checkpoints/iteration_00000003.checkpoint";
  const auto told = [&](const std::string& part) {
    Started run(as_nobody + train("closed_to_us") + " --resume");
    const Result r = run.end();
    INFO(r.err << r.out);
    CHECK(r.status == 1);
    CHECK(holds(r.err + r.out, part));
    CHECK_FALSE(holds(r.err + r.out, "damaged"));
    CHECK_FALSE(holds(r.err + r.out, "missing"));
  };
  for (const std::string& each : {path, path + "/checkpoints"}) fs::permissions(each, fs::perms::all);
  for (const std::string each : {"recipe.toml", "metrics.jsonl", ".lock"}) fs::permissions(path + "/" + each, fs::perms(0666));
  fs::permissions(checkpoint, fs::perms::none);
  told("passing over a checkpoint that cannot be read: " + checkpoint + ": cannot open: not permitted (Permission denied)");
  fs::permissions(path + "/checkpoints", fs::perms::none);
  told(path + "/checkpoints: ");
  fs::permissions(path, fs::perms::none);
  told("closed_to_us/recipe.toml: cannot be looked at: not permitted (Permission denied)");
  fs::permissions(path, fs::perms::owner_all);
  fs::permissions(path + "/checkpoints", fs::perms::owner_all);
}

TEST_CASE("a folder of images that is closed to us is not called one of missing images", "[app]") {
  const std::string data = folder() + "/closed_images";
  REQUIRE(mrcnn("dataset draw --images 6 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  fs::permissions(data + "/images", fs::perms::none);
  Started run("exec setpriv --reuid=65534 --regid=65534 --clear-groups {} dataset lint --annotations " + data +
              "/instances_train.json --images " + data + "/images");
  fs::create_directories(out_of("closed_images_run"));
  fs::permissions(out_of("closed_images_run"), fs::perms::all);
  Started training("exec setpriv --reuid=65534 --regid=65534 --clear-groups {} " + train("closed_images_run") +
                   " --set data.kind=coco --set data.val_annotations= --set data.root=" + data);
  for (Started* each : {&run, &training}) {
    const Result r = each->end();
    INFO(r.err << r.out);
    if (holds(r.err, "setpriv")) return skip("the program cannot be run as another user here");
    CHECK(r.status == 1);
    CHECK(holds(r.err + r.out, data + "/images"));
    CHECK(holds(r.err + r.out, "Permission denied"));
    CHECK_FALSE(holds(r.err + r.out, "missing"));
  }
  fs::permissions(data + "/images", fs::perms::owner_all);
}

TEST_CASE("train --until is a budget by the clock, and recorded as one", "[app]") {
  check_error("train scenes_small --out " + out_of("clock") + " --until 25:00",
              "--until: expects a time of the day such as 07:00, got \"25:00\"");
  check_error("train scenes_small --out " + out_of("clock") + " --until 07:00 --set train.budget=1h", "expected one of the two");
  std::string own = settings;
  own.erase(own.find(" --set train.budget="), std::string(" --set train.budget=").size());
  const std::time_t then = std::time(nullptr) + 1800;
  char clock[8];
  std::tm local = {};
  std::strftime(clock, sizeof clock, "%H:%M", localtime_r(&then, &local));
  const double whole_minute = 1800 - local.tm_sec;
  Started run("exec {} train scenes_small --out " + out_of("clock") + own + " --until " + clock);
  REQUIRE(run.has_written(metrics_of("clock")));
  run.kill(SIGTERM);
  CHECK(run.end().status == 128 + SIGTERM);
  const std::string recipe = read_text_file(out_of("clock") + "/recipe.toml");
  const size_t at = recipe.find("\nbudget = \"");
  REQUIRE(at != std::string::npos);
  int minutes = 0, seconds = 0;
  REQUIRE(std::sscanf(recipe.c_str() + at, "\nbudget = \"%dm%ds\"", &minutes, &seconds) == 2);
  const int budget = 60 * minutes + seconds;
  CHECK(budget <= whole_minute + 1);
  CHECK(budget >= whole_minute - 60);
  // Resumed at another time, it keeps that budget.
  const size_t before = logged("clock").size();
  Started resumed("exec {} train scenes_small --out " + out_of("clock") + own + " --resume --until 07:00");
  for (int i = 0; i < 1200 && logged("clock").size() <= before; ++i) usleep(50000);
  resumed.kill(SIGTERM);
  const Result told = resumed.end();
  INFO(told.out << told.err);
  CHECK(told.status == 128 + SIGTERM);
  CHECK(holds(told.out, "--until 07:00: the run keeps the budget of " + std::to_string(minutes) + "m" + std::to_string(seconds) + "s"));
}
