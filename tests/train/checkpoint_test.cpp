#include "train/checkpoint.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <span>

#include "base/crc32.h"
#include "base/files.h"
#include "tests/catch.h"
#include "tests/nobody.h"
#include "tests/train/fake.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

void overwrite(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

struct Run {
  TestFolder folder;
  FakeSystem system;
  Tensor momentum = Tensor::full(system.parameters().weights().shape(), 0.25);
  OptimiserState optimiser = {{"momentum", momentum}};
  std::vector<std::string> warnings;

  void save(int64_t iteration, int64_t keep = 2) {
    Checkpoint c;
    c.recipe = "name = \"fake\"\n";
    c.config_hash = 42;
    c.state.iteration = iteration;
    c.state.best = 0.5;
    system.parameters().weights().data<float>()[0] = static_cast<float>(iteration);
    save_checkpoint(folder.path(), c, system.parameters(), optimiser, keep);
  }
  std::optional<Checkpoint> load() {
    warnings.clear();
    return load_checkpoint(folder.path(), system.parameters(), optimiser, [this](const std::string& w) { warnings.push_back(w); });
  }
  std::string newest() const {
    std::string name;
    for (const auto& e : fs::directory_iterator(folder.path()))
      if (e.path().extension() == ".checkpoint") name = std::max(name, e.path().string());
    return name;
  }
  size_t files() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator())) - 1; }
};

}  // namespace

TEST_CASE("a checkpoint brings back every value, the newest are kept", "[checkpoint]") {
  Run r;
  CHECK_FALSE(r.load());
  for (const int64_t iteration : {9, 10, 11}) r.save(iteration);
  CHECK(r.files() == 2);
  const auto before = all_values(r.system.parameters());
  for (const Parameter& p : r.system.parameters().all()) p.var.value().fill_(-1);
  r.momentum.fill_(-1);
  const auto c = r.load();
  REQUIRE(c);
  CHECK(all_values(r.system.parameters()) == before);
  CHECK(r.momentum.at(0) == 0.25);
  CHECK(c->state.iteration == 11);
  CHECK(c->state.best == 0.5);
  CHECK(c->recipe == "name = \"fake\"\n");
  CHECK(c->config_hash == 42);
  CHECK(r.warnings.empty());
}

TEST_CASE("a checkpoint brings back all that Adam remembers", "[checkpoint]") {
  Run r;
  Optimiser adam({.kind = OptimiserKind::adam}, r.system.parameters());
  r.optimiser = adam.state();
  r.system.parameters().gradients().fill_(0.5);
  adam.step();
  adam.step();
  r.save(1);
  std::vector<std::string> before;
  for (const auto& [name, t] : r.optimiser) before.emplace_back(reinterpret_cast<const char*>(t.raw()), t.bytes());
  CHECK(r.optimiser[2].second.at(1) == 0.999 * 0.999);
  for (const auto& [name, t] : r.optimiser) t.fill_(-1);
  REQUIRE(r.load());
  for (size_t i = 0; i < before.size(); ++i) {
    const Tensor& t = r.optimiser[i].second;
    CHECK(std::string(reinterpret_cast<const char*>(t.raw()), t.bytes()) == before[i]);
  }
}

// As every program has written it, SGD having been the only optimiser once.
TEST_CASE("SGD's checkpoint has its layout, byte by byte", "[checkpoint]") {
  const auto text = [](const auto& value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  const auto section = [&text](std::string name, const std::string& bytes) {
    name.resize(16);
    const std::string all = name + text(uint64_t{bytes.size()}) + bytes;
    return all + text(crc32(std::as_bytes(std::span(all))));
  };
  const auto values = [](const Tensor& t) { return std::string(reinterpret_cast<const char*>(t.raw()), t.bytes()); };
  Run r;
  TrainState state;
  state.iteration = 7;
  state.best = 0.5;
  std::string weights = "head.weight f32 3\nhead.bias f32 1\nnorm.running_mean f32 7\n\n";
  r.system.parameters().weights().data<float>()[0] = 7;
  for (const Parameter& p : r.system.parameters().all()) weights += values(p.var.value());
  std::string file = "mrcnnCK\n";
  for (const std::string& part :
       {text(uint32_t{1}), text(uint32_t{4}), text(uint64_t{42}), section("recipe", "name = \"fake\"\n"), section("state", text(state)),
        section("weights", weights), section("momentum", values(r.momentum)), std::string("end mark")})
    file += part;
  r.save(7);
  CHECK(read_text_file(r.newest()) == file);
  overwrite(r.newest(), file);
  r.momentum.fill_(-1);
  r.system.parameters().weights().fill_(-1);
  REQUIRE(r.load());
  CHECK(r.momentum.at(0) == 0.25);
  CHECK(r.system.parameters().weights().at(0) == 7);
}

TEST_CASE("a damaged checkpoint is passed over loudly, wherever the damage is", "[checkpoint]") {
  Run r;
  r.save(1);
  r.save(2);
  const std::string path = r.newest(), whole = read_text_file(path);
  for (size_t cut = 0; cut < whole.size(); cut += cut < 32 ? 1 : 7) {
    overwrite(path, whole.substr(0, cut));
    const auto c = r.load();
    REQUIRE(c);
    CHECK(c->state.iteration == 1);
    CHECK(r.warnings.size() == 1);
  }
  for (size_t at = 0; at < whole.size(); at += 3) {
    if (at >= 16 && at < 24) continue;  // the hash of the configuration decides nothing
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    overwrite(path, flipped);
    const auto c = r.load();
    INFO("byte " << at);
    REQUIRE(c);
    CHECK(c->state.iteration == 1);
  }
  overwrite(path, whole + "x");
  CHECK(r.load()->state.iteration == 1);
  std::string newer = whole;
  newer[8] = 9;
  overwrite(path, newer);
  r.load();
  CHECK_THROWS_WITH(throw Error(r.warnings.at(0)), Contains("written by a newer program (version 9; this one reads 1)"));
  fs::remove(path);
  fs::create_directory(path);
  CHECK(r.load()->state.iteration == 1);
}

TEST_CASE("a checkpoint that may not be read is not called damaged", "[checkpoint]") {
  Run r;
  r.save(1);
  r.save(2);
  fs::permissions(r.newest(), fs::perms::none);
  const Nobody nobody;
  const auto c = r.load();
  REQUIRE(c);
  CHECK(c->state.iteration == 1);
  REQUIRE(r.warnings.size() == 1);
  CHECK_THROWS_WITH(throw Error(r.warnings[0]), Contains("passing over a checkpoint that cannot be read: ") &&
                                                    Contains("iteration_00000002.checkpoint: cannot open: not permitted"));
}

TEST_CASE("checkpoints: what cannot be loaded or saved is an error, and the old ones stay", "[checkpoint]") {
  Run r;
  r.save(1);
  const std::string path = r.newest(), whole = read_text_file(path);
  SECTION("no valid one") {
    overwrite(path, whole.substr(0, 100));
    CHECK_THROWS_WITH(r.load(), Contains("none of the 1 checkpoints can be used: ") && Contains("cut short"));
  }
  SECTION("another model's") {
    Parameters other;
    other.add("head.weight", {4}, Init::zeros());
    other.pack(0);
    CHECK_THROWS_WITH(load_checkpoint(r.folder.path(), other, r.optimiser, [](const std::string&) {}), Contains("another model"));
  }
  SECTION("another optimiser's") {
    const auto before = all_values(r.system.parameters());
    r.optimiser = Optimiser({.kind = OptimiserKind::adamw}, r.system.parameters()).state();
    CHECK_THROWS_WITH(r.load(),
                      Contains("iteration_00000001.checkpoint: holds no mean, which this optimiser remembers (mean, square, powers): "
                               "the run was begun with another optimiser.kind"));
    CHECK(all_values(r.system.parameters()) == before);
    r.save(2);
    r.optimiser = {{"momentum", r.momentum}};
    CHECK_THROWS_WITH(r.load(), Contains("iteration_00000002.checkpoint: holds no momentum, which this optimiser remembers (momentum)"));
  }
  SECTION("a full disk, at every write") {
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit old {};
    getrlimit(RLIMIT_FSIZE, &old);
    int failures = 0;
    for (rlim_t limit = 0; limit < whole.size(); limit += 16) {
      const struct rlimit small = {limit, old.rlim_max};
      setrlimit(RLIMIT_FSIZE, &small);
      try {
        r.save(2);
      } catch (const Error&) {
        ++failures;
      }
      setrlimit(RLIMIT_FSIZE, &old);
    }
    std::signal(SIGXFSZ, ignored);
    CHECK(failures == static_cast<int>((whole.size() + 15) / 16));
    CHECK(r.files() == 1);
    CHECK(read_text_file(path) == whole);
  }
  SECTION("a folder that may not be listed holds no checkpoints to our knowledge, and is not taken for an empty one") {
    fs::permissions(r.folder.path(), fs::perms::none);
    const Nobody nobody;
    CHECK_THROWS_WITH(r.load(), Contains(": cannot be listed: not permitted (Permission denied)"));
  }
  SECTION("no such folder") {
    CHECK_THROWS_WITH(save_checkpoint(r.folder / "nowhere", {}, r.system.parameters(), r.optimiser, 2), Contains("cannot write"));
  }
}
