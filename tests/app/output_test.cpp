// What a command prints may be its only result: where it cannot be written, the command has failed.
#include "tests/app/program.h"

using namespace mr;
namespace fs = std::filesystem;

namespace {

const std::string small =
    " --set train.iterations=1 --set train.batch=1 --set train.precision=f32 --set data.scenes.height=64 --set data.scenes.width=96"
    " --set data.scenes.images=2 --set data.val_scenes=1 --set model.backbone.width=32 --set model.backbone.fpn.channels=16"
    " --set model.box.width=16 --set model.mask.width=16";

// A pipe as standard output that nobody reads any more, known to the shell as descriptor 9.
struct ClosedPipe {
  ClosedPipe() {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(dup2(ends[1], 9) == 9);
    close(ends[0]), close(ends[1]);
  }
  ~ClosedPipe() { close(9); }
};

}  // namespace

TEST_CASE("output that cannot be written is an error of every command", "[app]") {
  if (!fs::exists("/dev/full")) return skip("there is no /dev/full");
  const std::string run = folder() + "/full_run", weights = run + "/last.safetensors", data = folder() + "/full_data",
                    truth = data + "/instances_train.json", found = folder() + "/full_found";
  REQUIRE(mrcnn("train scenes_small --out " + run + small).status == 0);
  REQUIRE(mrcnn("dataset draw --images 1 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  REQUIRE(mrcnn("predict " + weights + " " + data + "/images --score 0 --annotations " + truth + " --out " + found).status == 0);
  for (const std::string& command : {
           std::string("--help"),
           std::string("--version"),
           std::string("train --help"),
           std::string("recipe list"),
           std::string("recipe list --json"),
           std::string("recipe show scenes_small"),
           "recipe new --annotations " + truth + " --images " + data + "/images --out " + folder() + "/full.toml",
           std::string("explain dog"),
           std::string("bench ops --filter nms --repeats 1 --json"),
           std::string("bench model --recipe scenes_small --height 64 --width 64 --repeats 1 --filter f32.inference"),
           "weights show " + weights,
           "weights show --json " + weights,
           "dataset draw --images 1 --split other --out " + data,
           "dataset show scenes_small --images 1 --out " + folder() + "/full_shown" + small,
           "dataset stats --annotations " + truth,
           "dataset lint --annotations " + truth,
           "dataset lint --json --annotations " + truth,
           "coco-eval --type bbox " + truth + " " + found + "/results_bbox.json",
           "eval " + weights,
           "eval --json " + weights,
           "report " + run,
           "predict " + weights + " " + data + "/images --out " + folder() + "/full_found2",
       })
    check_error(command + " > /dev/full", "standard output: what the command printed is lost, or a part of it");
  check_error("recipe list > /dev/full", ": No space left on device\n");
  CHECK(fs::exists(folder() + "/full_found2/results.json"));  // the work is done nevertheless
}

TEST_CASE("a reader who stops reading ends a command in quiet", "[app]") {
  const ClosedPipe nobody;
  for (const char* command : {"recipe list", "recipe show scenes_small", "--help"}) {
    INFO(command);
    const Result r = mrcnn(std::string(command) + " >&9");
    CHECK(r.status == 0);
    CHECK(r.err.empty());
  }
}
