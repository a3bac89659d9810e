// mrcnn report, and the tables of mrcnn eval.
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string small =
    " --set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16"
    " --set train.precision=f32 --set train.batch=1 --set data.scenes.height=64 --set data.scenes.width=96"
    " --set data.scenes.images=6 --set train.budget= --set train.log_every=1 --set train.iterations=3";

std::string path_of(const std::string& name) {
  fs::create_directories(folder() + "/reports");
  return folder() + "/reports/" + name;
}

// A run with three scenes to be evaluated on, made once.
const std::string& run() {
  static const std::string path = [] {
    const Result r = mrcnn("train scenes_small --out " + path_of("run") + small + " --set data.val_scenes=3 --set evaluation.at=[0.5]");
    INFO(r.err);
    REQUIRE(r.status == 0);
    return path_of("run");
  }();
  return path;
}

// The page that the command writes: whole, with every tag closed, and with nothing that lies elsewhere.
std::string page_of(const std::string& arguments, const std::string& page) {
  const Result r = mrcnn("report " + arguments);
  INFO(r.err);
  REQUIRE(r.status == 0);
  CHECK_THAT(r.out, Contains("wrote " + page + "\n"));
  std::string html = read_text_file(page);
  CHECK(html.rfind("<!DOCTYPE html>\n", 0) == 0);
  CHECK(html.ends_with("</html>\n"));
  for (size_t at = 0; (at = html.find(";base64,", at)) != std::string::npos; at += 8) html.erase(at + 8, html.find('"', at) - at - 8);
  CHECK_FALSE(std::regex_search(html, std::regex("[ \",>]-?(nan|inf)[ \",<]")));
  std::vector<std::string> open;
  static const std::regex tag("<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*)>"), link("(src|href)=\"([^\"]{0,11})");
  for (std::sregex_iterator t(html.begin(), html.end(), tag), end; t != end; ++t) {
    const std::string name = (*t)[2], rest = (*t)[3];
    if (name == "meta" || name == "img" || rest.ends_with("/")) continue;
    if ((*t)[1].length() == 0) {
      open.push_back(name);
      continue;
    }
    INFO("</" << name << "> at byte " << t->position());
    REQUIRE(!open.empty());
    REQUIRE(open.back() == name);
    open.pop_back();
  }
  CHECK(open.empty());
  for (std::sregex_iterator l(html.begin(), html.end(), link), end; l != end; ++l) {
    const std::string target = (*l)[2];
    CHECK((target.rfind("#part", 0) == 0 || target.rfind("data:image/", 0) == 0));
  }
  CHECK(html.find("<script") == std::string::npos);
  return html;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("report: a run with its curves, figures, precision and worst pictures, in one file", "[app]") {
  const std::string html = page_of(run() + " --score 0", run() + "/report.html");
  for (const char* heading : {"Results", "Training", "Precision and recall", "Worst pictures", "Recipe", "Environment"}) {
    CHECK_THAT(html, Contains(std::string(">") + heading + "</h2>"));
    CHECK_THAT(html, Contains(std::string(">") + heading + "</a>"));
  }
  CHECK_THAT(html, Contains("Finished after 3 iterations."));
  CHECK_THAT(html, Contains(", compiled by g++ ") || Contains(", compiled by Debian Clang ") || Contains(", compiled by Clang "));
  for (const char* curve :
       {"loss", "losses/mask", "losses/rpn_objectness", "lr", "gradient_norm", "images_per_second", "masks, all classes"})
    CHECK_THAT(html, Contains(std::string(">") + curve + "</text>"));
  CHECK(count(html, "<img ") == 6);  // three scenes, twice each
  CHECK(count(html, "data:image/webp;base64,") == 6);
  CHECK_THAT(html, Contains("<td>car</td>"));
  CHECK_THAT(html, Contains("mask AP50</th>"));
  CHECK_THAT(html, Contains("width = 32"));  // of the recipe
  CHECK(count(page_of(run() + " --pictures 1 --score 0", run() + "/report.html"), "<img ") == 2);
  CHECK(count(page_of(run() + " --pictures 0", run() + "/report.html"), "Worst pictures") == 0);
}

TEST_CASE("report: the loss comes first, and what never changes is told in a line", "[app]") {
  const std::string curves = path_of("curves");
  fs::create_directories(curves);
  fs::copy_file(run() + "/recipe.toml", curves + "/recipe.toml");
  write_text_file(curves + "/metrics.jsonl",
                  "{\"iteration\":1,\"lr\":0.1,\"loss\":2,\"losses\":{\"mask\":1.5},\"memory\":{\"in_use_bytes\":1000000000}}\n"
                  "{\"iteration\":1,\"evaluation\":{\"segm\":{\"AP\":0.1,\"AP50\":0.5},\"images\":7},\"evaluation_seconds\":1.5}\n"
                  "{\"iteration\":2,\"lr\":0.1,\"loss\":1,\"losses\":{\"mask\":1.5},\"memory\":{\"in_use_bytes\":1000000000}}\n"
                  "{\"iteration\":2,\"evaluation\":{\"segm\":{\"AP\":0.2,\"AP50\":0.5},\"images\":7},\"evaluation_seconds\":2.5}\n");
  const std::string html = page_of(curves + " --no-evaluation", curves + "/report.html");
  const size_t loss = html.find(">loss</text>"), rate = html.find(">lr</text>"), precision = html.find(">mask: average precision</text>");
  REQUIRE(precision != std::string::npos);
  CHECK(count(html.substr(0, loss), "<svg") == 1);
  CHECK(loss < rate);
  CHECK(rate < precision);
  CHECK_THAT(
      html,
      Contains("The same throughout, and not drawn: losses/mask 1.5; evaluation/images 7; memory of tensors, GB, in_use 1; mask: average "
               "precision, AP50 0.5."));
  for (const char* constant : {"losses/mask", "evaluation/images", "memory of tensors, GB", "AP50"})
    CHECK(html.find(std::string(">") + constant + "</text>") == std::string::npos);
  CHECK_THAT(html, Contains(">evaluation_seconds</text>"));
}

TEST_CASE("report: a run that its budget ended says so", "[app]") {
  const std::string ended = path_of("ended");
  fs::create_directories(ended);
  std::string recipe = read_text_file(run() + "/recipe.toml");
  const auto set = [&recipe](const std::string& key, const std::string& value) {
    const size_t at = recipe.find("\n" + key + " = ") + 1, end = recipe.find('\n', at);
    recipe.replace(at, end - at, key + " = " + value);
  };
  set("iterations", "4");
  set("stop_at", "3");
  set("budget", "\"9m\"");
  write_text_file(ended + "/recipe.toml", recipe);
  fs::copy_file(run() + "/metrics.jsonl", ended + "/metrics.jsonl");
  CHECK_THAT(page_of(ended, ended + "/report.html"), Contains("Finished after 3 of 4 iterations: the budget of 9m ended the run.") &&
                                                         Contains("; planned were 4, and the budget of 9m ended the run"));
}

TEST_CASE("report: a run that is in progress, without pictures to evaluate on or without weights", "[app]") {
  const std::string begun = path_of("begun");
  fs::create_directories(begun);
  fs::copy_file(run() + "/recipe.toml", begun + "/recipe.toml");
  CHECK_THAT(page_of(begun, begun + "/report.html"), Contains("The run has not saved weights yet.") &&
                                                         Contains("The run has not written a line of metrics yet.") &&
                                                         Contains("Reached iteration 0 of 3: in progress, or stopped."));
  std::string lines = read_text_file(run() + "/metrics.jsonl");
  write_text_file(begun + "/metrics.jsonl", lines.substr(0, lines.find('\n') + 30));  // the second line is being written
  CHECK_THAT(page_of(begun, begun + "/report.html"), Contains("Reached iteration 1 of 3") && Contains(">losses/mask</text>"));
  fs::copy_file(run() + "/last.safetensors", begun + "/last.safetensors");
  CHECK_THAT(page_of(begun, begun + "/report.html"), Contains("Evaluated: " + begun + "/last.safetensors.") && Contains("<td>car</td>"));
  const std::string without = page_of(begun + " --no-evaluation --out " + path_of("page.html"), path_of("page.html"));
  CHECK_THAT(without, Contains("No evaluation. It was left out (--no-evaluation)."));
  CHECK(without.find("<td>car</td>") == std::string::npos);
  const std::string bare = path_of("bare");
  REQUIRE(mrcnn("train scenes_small --out " + bare + small + " --set data.val_scenes=0").status == 0);
  CHECK_THAT(page_of(bare, bare + "/report.html"), Contains("No evaluation. The recipe has no val split; --annotations and --images name"));
}

TEST_CASE("report: weights alone, and pictures of one's own, whose names are shown as they are", "[app]") {
  const std::string weights = path_of("alone.safetensors"), data = path_of("data");
  fs::copy_file(run() + "/best.safetensors", weights);
  CHECK_THAT(page_of(weights, path_of("report.html")), Contains("Evaluated: " + weights + ".") && Contains("<td>car</td>"));
  REQUIRE(mrcnn("dataset draw --images 2 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  const std::string truth = data + "/instances_train.json";
  std::string text = read_text_file(truth);
  const std::string name = "<b>&\\\"car";
  text.replace(text.find("\"car\""), 5, "\"" + name + "\"");
  write_text_file(truth, text);
  const std::string html = page_of(
      weights + " --annotations " + truth + " --images " + data + "/images --pictures 1 --out " + path_of("own.html"), path_of("own.html"));
  CHECK_THAT(html, Contains("<td>&lt;b&gt;&amp;\"car</td>"));
  CHECK(html.find("<b>") == std::string::npos);
}

TEST_CASE("report: mistakes", "[app]") {
  check_error("report " + path_of("nowhere"), "nowhere: there is no such folder or file");
  fs::create_directories(path_of("empty"));
  check_error("report " + path_of("empty"), "empty: expected the folder of a run, or a weights file; there is no recipe.toml in it");
  check_error("report " + run() + " --annotations x.json", "report: --annotations and --images belong together");
  check_error("report " + run() + " --set data.kind=coco --set data.root=/nowhere", "(--no-evaluation makes the page without it)");
  check_error("report " + run() + " --no-evaluation --out /nowhere/page.html", "/nowhere");
  const std::string mine = path_of("mine.html"), command = "report " + run() + " --no-evaluation --out " + mine;
  write_text_file(mine, "mine");
  check_error(command, mine + ": exists already, and is not written over; choose another name, or replace it with --overwrite");
  CHECK(read_text_file(mine) == "mine");
  CHECK(mrcnn(command + " --overwrite").status == 0);
  check_error("report " + run() + " --score 2", "--score");
}

TEST_CASE("eval prints a row a class and what was confused, and the same as JSON", "[app]") {
  const std::string eval = "eval " + run() + "/best.safetensors --score 0 ";
  const Result text = mrcnn(eval);
  CHECK(text.status == 0);
  for (const char* part : {"\n          boxes   masks\n  AP    ", "average precision, IoU .50:.95", "class", "objects", "box AP50",
                           "mask AP50", "car", "all", "times", "there", "found", "nothing"})
    CHECK_THAT(text.out, Contains(part));
  CHECK_THAT(text.out, Contains("found with a score of 0 or more, at mask IoU 0.5 or more"));
  const auto json = nlohmann::json::parse(mrcnn(eval + "--json").out);
  int64_t objects = 0;
  for (const auto& [name, figures] : json["segm"]["per_class"].items()) {
    objects += figures["objects"].get<int64_t>();
    CHECK(figures["AP"].get<double>() <= figures["AP50"].get<double>());
  }
  CHECK(objects > 0);
  CHECK(json["confusions"]["score"] == 0);
  CHECK(json["confusions"]["type"] == "segm");
  int64_t missed = 0;
  for (const auto& pair : json["confusions"]["pairs"]) {
    CHECK(pair["count"].get<int64_t>() > 0);
    if (pair["found"].is_null()) missed += pair["count"].get<int64_t>();
  }
  CHECK(missed <= objects);
  const Result boxes = mrcnn(eval + "--type bbox");
  CHECK(boxes.out.find("mask") == std::string::npos);
  CHECK_THAT(boxes.out, Contains("at box IoU 0.5 or more"));
}
