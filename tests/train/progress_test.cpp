#include "train/progress.h"

#include <fstream>

#include "tests/catch.h"
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
  MetricsFile(folder / "metrics.jsonl", 20, [&k](const std::string& w) { k.warnings.push_back(w); }).write(m);
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
  MetricsFile(folder / "metrics.jsonl", 0, [](const std::string&) { FAIL("nothing is to be said"); });
  CHECK(read_text_file(folder / "metrics.jsonl").empty());
}
