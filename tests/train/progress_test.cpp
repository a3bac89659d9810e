#include "train/progress.h"

#include <fstream>

#include "tests/catch.h"
#include "tests/file_limit.h"
#include "tests/train/event_records.h"
#include "tests/train/fake.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Kept {
  std::string text;
  std::vector<std::string> warnings;
};

// What a run that goes on after iteration 20 keeps of a file.
Kept resumed(const std::string& before) {
  const TestFolder folder;
  Kept k;
  std::ofstream(folder / "metrics.jsonl") << before;
  StepMetrics m;
  m.iteration = 25;
  MetricsFile(folder.path(), 20, [&k](const std::string& w) { k.warnings.push_back(w); }).write(m);
  k.text = read_text_file(folder / "metrics.jsonl");
  const size_t last = k.text.rfind('\n', k.text.size() - 2) + 1;
  CHECK(k.text.find("{\"iteration\":25,") == last);  // a line of its own
  k.text.resize(last);
  return k;
}

const std::string ten = "{\"iteration\":10,\"loss\":1.5}\n", twenty = "{\"iteration\":20,\"loss\":1.25}\n",
                  thirty = "{\"iteration\":30,\"loss\":1}\n";

}  // namespace

TEST_CASE("metrics: a resumed run keeps the lines up to where it goes on", "[metrics]") {
  const Kept k = resumed(ten + twenty + "{\"iteration\":20,\"evaluation\":{}}\n" + thirty);
  CHECK(k.text == ten + twenty + "{\"iteration\":20,\"evaluation\":{}}\n");
  CHECK(k.warnings.empty());
}

TEST_CASE("metrics: a last line that was cut short is mended, wherever the cut is", "[metrics]") {
  for (size_t cut = 1; cut < twenty.size(); ++cut) {
    const Kept k = resumed(ten + twenty.substr(0, cut));
    const bool whole = cut == twenty.size() - 1;  // but for the end of the line
    INFO(cut);
    CHECK(k.text == (whole ? ten + twenty : ten));
    REQUIRE(k.warnings.size() == (whole ? 0 : 1));
    if (!whole) CHECK_THROWS_WITH(throw Error(k.warnings[0]), Contains("metrics.jsonl: line 2, the last one, is cut short and left out"));
  }
}

TEST_CASE("metrics: lines that are none are left out by number, and block nothing", "[metrics]") {
  for (const std::string bad : {"", "torn", "[1]", "{}", "3", "{\"iteration\":\"ten\"}", "{\"iteration\":1.5}", "{\"iteration\":-4}",
                                "{\"iteration\":10,\"loss\":1{\"iteration\":15,\"loss\":2}", "\xff\xfe", "{\"iteration\":null}",
                                "{\"iteration\":99999999999999999999}"}) {
    INFO(bad);
    const Kept k = resumed(ten + bad + "\n" + twenty);
    CHECK(k.text == ten + twenty);
    REQUIRE(k.warnings.size() == 1);
    CHECK_THROWS_WITH(throw Error(k.warnings[0]), Contains("metrics.jsonl: 1 line is no metrics and left out: line 2"));
  }
  const Kept k = resumed("torn\n" + ten + "torn\n" + twenty + "{\"itera");
  CHECK(k.text == ten + twenty);
  CHECK_THROWS_WITH(throw Error(k.warnings.at(0)), Contains("metrics.jsonl: 3 lines are no metrics and left out: lines 1, 3, 5"));
}

TEST_CASE("metrics: a run from the beginning has a file of its own", "[metrics]") {
  const TestFolder folder;
  std::ofstream(folder / "metrics.jsonl") << "of another run\n";
  MetricsFile(folder.path(), 0, [](const std::string&) { FAIL("nothing is to be said"); });
  CHECK(read_text_file(folder / "metrics.jsonl").empty());
}

namespace {

StepMetrics metrics_of(int64_t iteration, double loss) {
  StepMetrics m;
  m.iteration = iteration;
  m.loss = loss;
  m.lr = 0.1;
  m.terms = {{"mask", loss / 3}, {"box", loss / 7}};
  return m;
}

void nobody_hears(const std::string&) {}

}  // namespace

TEST_CASE("metrics: TensorBoard's files hold every scalar of every line", "[metrics]") {
  const TestFolder folder;
  MetricsFile metrics(folder.path(), 0, nobody_hears);
  metrics.write(metrics_of(20, 1.5));
  metrics.write(metrics_of(40, 1.25));
  metrics.write_evaluation(40, R"({"segm": {"AP": 0.25, "per_class": {"a \"b\"": {"AP": -1, "objects": 3}}}, "images": 7})", 12.5);
  const test::Shown all = test::shown(folder.path());
  CHECK(all == test::told(folder.path()));
  CHECK(all.at("losses/mask").at(20) == 0.5f);
  CHECK(all.at("evaluation/segm/per_class/a \"b\"/objects").at(40) == 3);
  CHECK(all.at("evaluation_seconds").at(40) == 12.5f);
  CHECK(all.at("memory/peak_in_use_bytes").size() == 2);
}

TEST_CASE("metrics: of steps that a resumed run takes again, TensorBoard shows what the new ones were", "[metrics]") {
  const TestFolder folder;
  const auto part = [&](int64_t last, std::vector<std::pair<int64_t, double>> steps) {
    MetricsFile metrics(folder.path(), last, nobody_hears);
    for (const auto& [step, loss] : steps) metrics.write(metrics_of(step, loss));
    CHECK(test::shown(folder.path()) == test::told(folder.path()));
  };
  part(0, {{5, 9}, {10, 8}});                    // killed before its first checkpoint: from the beginning
  part(0, {{5, 7}, {10, 6}, {15, 5}, {20, 4}});  // killed, with a checkpoint after 12
  part(12, {{15, 3}, {20, 2}});
  part(20, {});
  part(15, {{20, 1}});
  CHECK(test::shown(folder.path()).at("loss") == std::map<int64_t, float>{{5, 7}, {10, 6}, {15, 3}, {20, 1}});
  // Nothing is out of order: no reader has to find out what counts.
  REQUIRE(test::event_files(folder.path()).size() == 1);
  int64_t last = 0;
  for (const test::TestEvent& e : test::EventReader(read_text_file(test::event_files(folder.path())[0])).events()) {
    CHECK(e.step >= (e.version.empty() ? last : 0));
    last = e.step;
  }
}

TEST_CASE("metrics: what could not be stored is written when it is tried again, in both files once", "[metrics]") {
  for (const bool lines_fail : {true, false}) {
    const TestFolder folder;
    MetricsFile metrics(folder.path(), 0, nobody_hears);
    metrics.write(metrics_of(20, 1.5));
    const std::string failing = lines_fail ? folder / "metrics.jsonl" : test::event_files(folder.path()).at(0);
    std::string padding(20000, '\n');
    if (!lines_fail)
      for (padding.clear(); padding.size() < 20000;) padding += EventFile::record(0, {});
    std::ofstream(failing, std::ios::app | std::ios::binary) << padding;  // the larger of the two
    {
      const test::FileLimit limit(std::filesystem::file_size(failing) + 10);
      CHECK_THROWS_WITH(metrics.write(metrics_of(40, 1.25)), Contains(failing + ": cannot write: File too large"));
    }
    metrics.retry();
    metrics.retry();
    CHECK(test::shown(folder.path()) == test::told(folder.path()));
    CHECK(test::shown(folder.path()).at("loss").at(40) == 1.25f);
  }
}
