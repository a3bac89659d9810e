#include "train/config.h"

#include <cmath>

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

enum class Kind : uint8_t { step, cosine };
struct Inner {
  double lr = 0.02;
  bool nesterov = false;
  std::vector<double> milestones = {0.5};
  void visit(Fields& f) {
    f.field("lr", lr, "learning rate");
    f.field("nesterov", nesterov, "");
    f.field("milestones", milestones, "");
  }
};
struct Outer {
  std::string name = "x";
  int64_t batch = 2;
  Inner optimiser;
  Kind kind = Kind::step;  // after a group: TOML must still print it before
  std::vector<std::string> classes;
  std::vector<int64_t> sides = {800};
  void visit(Fields& f) {
    f.field("name", name, "of the recipe");
    f.field("batch", batch, "");
    f.group("optimiser", optimiser);
    f.choice("kind", kind, {"step", "cosine"}, "");
    f.field("classes", classes, "");
    f.field("sides", sides, "");
  }
};

Outer read(const std::string& text) {
  Outer o;
  assign(visit_of(o), parse_toml(text, "my.toml"));
  return o;
}
Outer set(const std::string& assignment) {
  Outer o;
  assign(visit_of(o), {parse_assignment(assignment)});
  return o;
}

}  // namespace

TEST_CASE("a struct survives TOML and back, to the bit", "[config]") {
  Outer a;
  a.name = "quoted \"x\" \\ \n tab\t é";
  a.batch = -7;
  a.optimiser.lr = 0.1 + 0.2;
  a.optimiser.milestones = {1e-300, 3, 1e22};
  a.kind = Kind::cosine;
  a.classes = {"person", "a b"};
  a.sides = {};
  for (const bool docs : {false, true}) {
    Outer b = read(to_toml(visit_of(a), docs));
    CHECK(flatten(visit_of(b)) == flatten(visit_of(a)));
    CHECK(b.optimiser.lr == a.optimiser.lr);
    CHECK(b.name == a.name);
  }
}

TEST_CASE("later settings win, whole numbers are numbers, and the place of each is kept", "[config]") {
  Outer o;
  Places places;
  auto settings = parse_toml("batch = 4\n[optimiser]\nlr = 1\n", "my.toml");
  settings.push_back(parse_assignment("batch=8"));
  assign(visit_of(o), settings, &places);
  CHECK(o.batch == 8);
  CHECK(o.optimiser.lr == 1.0);
  CHECK(places["batch"] == "--set");
  CHECK(places["optimiser.lr"] == "my.toml:3");
}

TEST_CASE("an assignment (--set) takes TOML, and bare text where a text is wanted", "[config]") {
  CHECK(set("name=../shared/data").name == "../shared/data");
  CHECK(set("name=\"a b\"").name == "a b");
  CHECK(set("name=12").name == "12");
  CHECK(set("name=2024-01-01").name == "2024-01-01");
  CHECK(set("name=").name.empty());
  CHECK(set("kind=cosine").kind == Kind::cosine);
  CHECK(set("optimiser.lr=1e-3").optimiser.lr == 1e-3);
  CHECK(set("sides=[640, 800]").sides == std::vector<int64_t>{640, 800});
  CHECK(std::isnan(set("optimiser.lr=nan").optimiser.lr));
  CHECK_THROWS_WITH(set("batch"), Contains("expects key=value"));
  CHECK_THROWS_WITH(set("batch=three"), Contains("--set: batch: expects a whole number, got three"));
  CHECK_THROWS_WITH(set("batch=1\nname=2"), Contains("expects a whole number"));
}

TEST_CASE("bad settings are errors that name file, line, key and the nearest right one", "[config]") {
  CHECK_THROWS_WITH(read("name = \"a\"\n\n[optimiser]\nlrr = 1\n"),
                    Contains("my.toml:4: optimiser.lrr: there is no such key; the nearest is optimiser.lr"));
  CHECK_THROWS_WITH(read("nestrov = true"), Contains("nearest is optimiser.nesterov"));
  CHECK_THROWS_WITH(read("zebra = true"), !Contains("nearest") && Contains("zebra: there is no such key"));
  CHECK_THROWS_WITH(read("optimiser = 3"), Contains("optimiser: is a group of keys such as optimiser.lr"));
  CHECK_THROWS_WITH(read("batch = 1.5"), Contains("my.toml:1: batch: expects a whole number, got 1.5"));
  CHECK_THROWS_WITH(read("batch = true"), Contains("expects a whole number, got true"));
  CHECK_THROWS_WITH(read("name = 3"), Contains("expects a text in quotes, got 3"));
  CHECK_THROWS_WITH(read("sides = 800"), Contains("expects a list of whole numbers, got 800"));
  CHECK_THROWS_WITH(read("sides = [800, \"a\"]"), Contains("expects a list of whole numbers"));
  CHECK_THROWS_WITH(read("[optimiser]\nlr = [1]\n"), Contains("expects a number, got [1]"));
  CHECK_THROWS_WITH(read("kind = \"cosin\""), Contains("expects one of step, cosine, got \"cosin\"; the nearest is cosine"));
  CHECK_THROWS_WITH(read("name = 2024-01-01"), Contains("my.toml:1:8: expected a value"));
  CHECK_THROWS_WITH(read("batch = 1\nbatch = 2\n"), Contains("my.toml:2"));
  CHECK_THROWS_WITH(read("batch = \n"), Contains("my.toml:1"));
  CHECK_THROWS_WITH(read("name = \"\xff\""), Contains("my.toml:1"));
}

TEST_CASE("hash and difference see every field", "[config]") {
  Outer a, b;
  CHECK(config_hash(visit_of(a)) == config_hash(visit_of(b)));
  CHECK(differences(visit_of(a), visit_of(b)).empty());
  b.optimiser.milestones = {0.25};
  CHECK(config_hash(visit_of(a)) != config_hash(visit_of(b)));
  const auto d = differences(visit_of(a), visit_of(b));
  REQUIRE(d.size() == 1);
  CHECK(d[0].key == "optimiser.milestones");
  CHECK(d[0].before == "[0.5]");
  CHECK(d[0].after == "[0.25]");
}
