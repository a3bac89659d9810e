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

struct NoMask {
  static constexpr const char *kind = "none", *about = "boxes alone";
  void visit(Fields&) {}
};
struct Convolutions {
  static constexpr const char *kind = "fcn", *about = "convolutions";
  int64_t convs = 4, width = 256;
  void visit(Fields& f) {
    f.field("convs", convs, "");
    f.field("width", width, "");
  }
};
struct Layers {
  static constexpr const char *kind = "mlp", *about = "layers";
  int64_t width = 1024;
  void visit(Fields& f) { f.field("width", width, ""); }
};
struct TwoStage {
  static constexpr const char *kind = "two", *about = "two stages";
  std::variant<NoMask, Convolutions, Layers> mask = Convolutions{};
  double score = 0.5;
  void visit(Fields& f) {
    f.variant("mask", mask);
    f.field("score", score, "");
  }
};
struct OneStage {
  static constexpr const char *kind = "one", *about = "one stage";
  std::variant<Layers, Convolutions> trunk;
  void visit(Fields& f) { f.variant("trunk", trunk); }
};
struct Network {
  int64_t classes = 80;
  std::variant<TwoStage, OneStage> system;
  void visit(Fields& f) {
    f.field("classes", classes, "");
    f.kind(system);
  }
};
struct Config {
  Network model;
  void visit(Fields& f) { f.group("model", model); }
};

Config network(const std::vector<std::string>& texts, const std::vector<std::string>& assignments = {}) {
  std::vector<Setting> settings;
  int layer = 0;
  for (const std::string& text : texts) {
    for (Setting s : parse_toml(text, str("file", layer, ".toml"))) {
      s.layer = layer;
      settings.push_back(s);
    }
    ++layer;
  }
  for (const std::string& a : assignments) {
    settings.push_back(parse_assignment(a));
    settings.back().layer = layer++;
  }
  Config c;
  assign(visit_of(c), settings);
  return c;
}
auto& mask_of(const Config& c) { return std::get<TwoStage>(c.model.system).mask; }

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

TEST_CASE("kinds: a variant is a group with a kind, explained, and its fields", "[config]") {
  Config c;
  const std::vector<FlatField> fields = flatten(visit_of(c));
  REQUIRE(fields.size() == 6);
  CHECK(fields[1] == FlatField{"model.kind", "\"two\"", "two: two stages; one: one stage"});
  CHECK(fields[2] == FlatField{"model.mask.kind", "\"fcn\"", "none: boxes alone; fcn: convolutions; mlp: layers"});
  CHECK(fields[3].key == "model.mask.convs");
  for (const char* assignment : {"model.mask.kind=none", "model.mask.kind=mlp", "model.kind=one", "model.mask.convs=2"}) {
    const Config a = network({}, {assignment});
    CHECK(config_hash(visit_of(a)) != config_hash(visit_of(c)));
    CHECK(flatten(visit_of(network({to_toml(visit_of(a), true)}))) == flatten(visit_of(a)));
  }
}

TEST_CASE("kinds: another kind leaves behind what was said of the one before", "[config]") {
  const std::string base = "[model.mask]\nconvs = 2\nwidth = 64\n";
  CHECK(std::get<Convolutions>(mask_of(network({base}))).width == 64);
  CHECK(kind_of(mask_of(network({base}, {"model.mask.kind=none"}))) == std::string("none"));
  CHECK(std::get<Layers>(mask_of(network({base}, {"model.mask.kind=mlp"}))).width == 1024);  // not the convolutions' 64
  CHECK(std::get<Convolutions>(mask_of(network({base}, {"model.mask.kind=fcn"}))).width == 64);
  CHECK(std::get<Convolutions>(mask_of(network({base, "[model.mask]\nkind = \"none\"\n"}, {"model.mask.kind=fcn"}))).convs == 4);
  // All that is typed is one layer: its order does not count.
  CHECK(std::get<Layers>(mask_of(network({base}, {"model.mask.width=8", "model.mask.kind=mlp"}))).width == 8);
  CHECK(std::get<Layers>(mask_of(network({base}, {"model.mask.kind=none", "model.mask.width=8", "model.mask.kind=mlp"}))).width == 8);
  const Config one = network({"model.classes = 3\nmodel.score = 0.25\n" + base}, {"model.kind=one", "model.trunk.width=5"});
  CHECK(one.model.classes == 3);
  CHECK(std::get<Layers>(std::get<OneStage>(one.model.system).trunk).width == 5);
}

TEST_CASE("kinds: keys of another kind, and kinds that there are not, are errors that say what there is", "[config]") {
  CHECK_THROWS_WITH(network({"[model.mask]\nkind = \"fcm\"\n"}),
                    Contains("file0.toml:2: model.mask.kind: expects one of none, fcn, mlp, got \"fcm\"; the nearest is fcn"));
  CHECK_THROWS_WITH(network({}, {"model.kind=three"}), Contains("--set: model.kind: expects one of two, one, got three"));
  CHECK_THROWS_WITH(network({"[model.mask]\nkind = \"mlp\"\nconvs = 2\n"}),
                    Contains("file0.toml:3: model.mask.convs: belongs to model.mask.kind = fcn, which here is \"mlp\""));
  CHECK_THROWS_WITH(network({}, {"model.mask.width=2", "model.mask.kind=none"}),
                    Contains("--set: model.mask.width: belongs to model.mask.kind = fcn or mlp, which here is \"none\""));
  CHECK_THROWS_WITH(network({}, {"model.trunk.convs=2"}),
                    Contains("model.trunk.convs: belongs to model.kind = one, which here is \"two\""));
  CHECK_THROWS_WITH(network({}, {"model.trunk.kind=fcn"}), Contains("model.trunk.kind: belongs to model.kind = one"));
  CHECK_THROWS_WITH(network({}, {"model.mask.widht=2"}),
                    Contains("there is no such key; the nearest is model.mask.width; model.mask has kind, convs, width"));
  CHECK_THROWS_WITH(network({}, {"model.mask=fcn"}), Contains("model.mask: is a group of keys such as model.mask.kind"));
}

TEST_CASE("kinds: what is about one kind alone says so where there is another", "[config]") {
  Config c;
  CHECK(as_kind<TwoStage>(c.model.system, "recipe new: model").score == 0.5);
  as_kind<TwoStage>(c.model.system, "").score = 0.25;
  CHECK(std::get<TwoStage>(c.model.system).score == 0.25);
  const Config one = network({}, {"model.kind=one"});
  CHECK_THROWS_WITH(as_kind<TwoStage>(one.model.system, "recipe new: model"),
                    Contains("recipe new: model.kind: expected \"two\", got \"one\""));
}

TEST_CASE("a field of a kind that was not there differs from nothing", "[config]") {
  const Config with = network({}), without = network({}, {"model.mask.kind=none"});
  const std::vector<Difference> less = differences(visit_of(with), visit_of(without)),
                                more = differences(visit_of(without), visit_of(with));
  REQUIRE(less.size() == 1);
  CHECK(less[0].key == "model.mask.kind");
  REQUIRE(more.size() == 3);
  CHECK(more[1].key == "model.mask.convs");
  CHECK(more[1].before.empty());
}
