// mrcnn report: a run, or weights alone, as one HTML page.
#include <filesystem>
#include <iostream>
#include <optional>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/options.h"
#include "app/report/sections.h"
#include "base/files.h"
#include "train/interrupt.h"
#include "train/plan.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

struct Arguments : EvaluationArguments {
  std::string what, out;
  bool evaluates = true, overwrite = false;
  size_t pictures = 12;
};

// What lies where the report is of.
struct Source {
  std::string folder = {};   // of the run; empty: weights alone
  std::string weights = {};  // empty: none yet
  std::vector<MetricsLine> lines = {};
  std::optional<Recipe> recipe = {};  // the run's
};

Source run_in(const std::string& folder) {
  Source s{.folder = folder};
  const auto file = [&folder](const char* name) { return str(folder, "/", name); };
  check(is_there(file("recipe.toml")), folder, ": expected the folder of a run, or a weights file; there is no recipe.toml in it");
  s.recipe = load_recipe(file("recipe.toml"));
  if (is_there(file("metrics.jsonl"))) s.lines = read_metrics(file("metrics.jsonl"));
  for (const char* name : {"best.safetensors", "last.safetensors"})
    if (s.weights.empty() && is_there(file(name))) s.weights = file(name);
  return s;
}

Source source_of(const std::string& what) {
  check(is_there(what), what, ": there is no such folder or file");
  if (fs::is_directory(what)) return run_in(what);
  return {.weights = what};
}

// Why there is nothing to evaluate; empty: there is.
std::string obstacle(const Arguments& a, const Source& s) {
  if (!a.evaluates) return "It was left out (--no-evaluation).";
  if (s.weights.empty()) return "The run has not saved weights yet.";
  if (a.annotations.empty() && s.recipe && !has_split(*s.recipe, Split::val))
    return "The recipe has no val split; --annotations and --images name pictures to evaluate on.";
  return "";
}

Evaluated evaluated(const Arguments& a, const std::string& weights) {
  EvaluationArguments its = a;
  its.weights = weights;
  try {
    return evaluate(its, "report", false);
  } catch (const UsageError&) {
    throw;
  } catch (const Error& e) {
    fail(e.what(), " (--no-evaluation makes the page without it)");
  }
}

void report(const Arguments& a) {
  const Source s = source_of(a.what);
  const fs::path beside = s.folder.empty() ? fs::path(a.what).parent_path() : fs::path(s.folder);
  const std::string out = a.out.empty() ? (beside / "report.html").string() : a.out;
  if (!a.out.empty()) check_writable(out, a.overwrite);  // a page under its own name is made anew
  const std::string none = obstacle(a, s);
  std::optional<Evaluated> e;
  if (none.empty()) e = evaluated(a, s.weights);
  const Recipe recipe = e          ? e->detector.recipe
                        : s.recipe ? *s.recipe
                                   : load_detector(s.weights, {.recipe = a.recipe, .assignments = a.assignments}).recipe;
  HtmlPage page(str(recipe.name, ": ", a.what));
  if (s.recipe) page.say(iterations_done(s.recipe->train, s.lines.empty() ? 0 : s.lines.back().iteration));
  if (e) {
    page.say(str("Evaluated: ", s.weights, "."));
    add_results(page, e->evaluation);
  } else {
    page.heading("Results");
    page.say("No evaluation. " + none);
  }
  if (!s.folder.empty()) add_history(page, s.lines);
  if (const auto* coco = e ? dynamic_cast<const CocoJudgement*>(e->evaluation.judgement.get()) : nullptr) {
    add_precision(page, *coco);
    add_worst_pictures(page, *coco, *e->dataset, a.pictures);
  }
  add_recipe(page, s.recipe ? *s.recipe : recipe, has_split(recipe, Split::val));
  add_environment(page, a.what, device_of(a.device));
  write_text_file(out, page.html());
  std::cout << "wrote " << out << "\n";
}

}  // namespace

void add_report(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("report", "A run as one HTML page: curves, figures by class, the worst pictures");
  c->add_option("RUN", a->what, "folder of a run, which may be in progress; or a weights file")->required();
  c->add_option("--out", a->out, "the page (default: report.html in the folder of the run or the weights)");
  add_overwrite(*c, a->overwrite, "the file --out");
  c->add_flag("!--no-evaluation", a->evaluates, "only what the run has written: no weights are tried on pictures");
  c->add_option("--pictures", a->pictures, "how many of the worst are shown")->check(CLI::Range(0, 1000))->capture_default_str();
  add_evaluation_options(*c, *a);
  c->footer(
      "A run's best.safetensors (or last.safetensors) are evaluated on its val split, as eval does: --set evaluation.images=100 takes "
      "fewer of\n"
      "them. The page needs no other file: it can be sent.");
  c->callback([a] {
    catch_interrupts();
    report(*a);
  });
}

}  // namespace mr::app
