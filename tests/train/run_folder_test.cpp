#include "train/run_folder.h"

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/files.h"
#include "tests/catch.h"
#include "tests/nobody.h"
#include "tests/train/fake.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const auto nobody_hears = [](const std::string&) {};

RunFolder start(const std::string& path, bool resume) { return RunFolder(path, resume, nobody_hears); }

void put(const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << "x";
}

}  // namespace

TEST_CASE("whatever files a killed run left, it is resumed, and a start that is not says so", "[run_folder]") {
  const std::vector<std::string> files = {
      ".lock", "metrics.jsonl", "recipe.toml", "last.safetensors", "best.safetensors", "checkpoints/iteration_00000007.checkpoint"};
  for (size_t set = 0; set < size_t{1} << files.size(); ++set) {
    const TestFolder folder;
    const std::string path = folder / "run";
    fs::create_directories(path + "/checkpoints");
    for (size_t i = 0; i < files.size(); ++i)
      if ((set >> i & 1) != 0) put(path + "/" + files[i]);
    put(path + "/.last.safetensors.1.2.tmp");
    put(path + "/..saved.1.2.tmp");
    INFO("set " << set);
    CHECK_NOTHROW(start(path, true));
    CHECK_FALSE(is_there(path + "/.last.safetensors.1.2.tmp"));
    CHECK_FALSE(is_there(path + "/..saved.1.2.tmp"));
    if (set > 1) {
      CHECK_THROWS_WITH(start(path, false), Contains("/run: holds a run already (") && Contains("--resume goes on with it"));
    } else {
      CHECK_NOTHROW(start(path, false));
    }
    for (size_t i = 1; i < files.size(); ++i) CHECK(is_there(path + "/" + files[i]) == ((set >> i & 1) != 0));
  }
}

TEST_CASE("a run whose checkpoints are gone is not begun again over what it learnt", "[run_folder]") {
  for (const bool emptied : {true, false}) {
    const TestFolder folder;
    const std::string path = folder / "run";
    for (const char* file : {".lock", "recipe.toml", "metrics.jsonl", "best.safetensors", "checkpoints/iteration_00000007.checkpoint"})
      put(path + "/" + file);
    note_saved(path);
    CHECK_NOTHROW(start(path, true));
    fs::remove(path + "/checkpoints/iteration_00000007.checkpoint");
    if (!emptied) fs::remove(path + "/checkpoints");
    CHECK_THROWS_WITH(start(path, true), Contains("/run: --resume: the run's checkpoints are gone (recipe.toml is there); put them back") &&
                                             Contains("--init " + path + "/best.safetensors"));
    CHECK(fs::exists(path + "/checkpoints") == emptied);
  }
}

TEST_CASE("resuming wants a run, not any folder", "[run_folder]") {
  const TestFolder folder;
  CHECK_THROWS_WITH(start(folder / "none", true), Contains("/none: --resume: there is no such folder"));
  CHECK_FALSE(is_there(folder / "none"));
  put(folder / "pictures/a.jpg");
  CHECK_THROWS_WITH(start(folder / "pictures", true), Contains("--resume: expected a run, got a folder with a.jpg and nothing of a run"));
  CHECK_FALSE(is_there(folder / "pictures/.lock"));
  CHECK_NOTHROW(start(folder / "pictures", false));
  CHECK(is_there(folder / "pictures/a.jpg"));
  put(folder / "file");
  CHECK_THROWS_WITH(start(folder / "file", true), Contains("/file: cannot be listed: Not a directory"));
  CHECK_THROWS_WITH(start(folder / "file", false), Contains("/file: cannot be created: "));
}

TEST_CASE("a folder belongs to one training at a time", "[run_folder]") {
  const TestFolder folder;
  const std::string path = folder / "run", us = "process " + std::to_string(getpid()) + " on ";
  {
    const RunFolder first = start(path, false);
    put(path + "/recipe.toml");
    put(path + "/.recipe.toml.1.2.tmp");  // as it writes it
    for (const bool resume : {false, true}) CHECK_THROWS_WITH(start(path, resume), Contains("/run: another training writes here: " + us));
    CHECK(is_there(path + "/.recipe.toml.1.2.tmp"));
  }
  CHECK_NOTHROW(start(path, true));
  CHECK_FALSE(is_there(path + "/.recipe.toml.1.2.tmp"));
}

TEST_CASE("a training that is refused leaves nothing, and what lay in its folder", "[run_folder]") {
  const TestFolder folder;
  start(folder / "new", false);
  CHECK_FALSE(is_there(folder / "new"));
  put(folder / "pictures/a.jpg");
  start(folder / "pictures", false);
  CHECK(is_there(folder / "pictures/a.jpg"));
  CHECK_FALSE(is_there(folder / "pictures/.lock"));
  CHECK_FALSE(is_there(folder / "pictures/checkpoints"));
  for (const char* of_run : {"recipe.toml", "checkpoints/iteration_00000007.checkpoint"}) {
    {
      const RunFolder begun = start(folder / "begun", false);
      put(folder / (std::string("begun/") + of_run));
    }
    CHECK(is_there(folder / (std::string("begun/") + of_run)));
    CHECK(is_there(folder / "begun/.lock"));
    CHECK_NOTHROW(start(folder / "begun", true));
    fs::remove_all(folder / "begun");
  }
}

TEST_CASE("a run's folder that is closed to us is not called missing, and no run begins over it", "[run_folder]") {
  const TestFolder folder;
  const std::string path = folder / "run";
  put(path + "/recipe.toml");
  fs::permissions(path, fs::perms::none);
  {
    const Nobody nobody;
    for (const bool resume : {false, true}) CHECK_THROWS_WITH(start(path, resume), Contains("not permitted (Permission denied)"));
  }
  fs::permissions(path, fs::perms::owner_all);
}
