#include <algorithm>
#include <fstream>

#include "app/report/sections.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "tensor/parallel.h"
#include "train/plan.h"

namespace mr::app {
namespace {

#ifdef __clang__
constexpr const char* compiler = __VERSION__;  // "Clang 14.0.6"
#else
constexpr const char* compiler = "g++ " __VERSION__;
#endif

// As Linux calls it; empty where it does not.
std::string processor() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.find(": ") + 2, line.size()));
  return "";
}

}  // namespace

void add_recipe(HtmlPage& page, const Recipe& recipe, bool evaluates) {
  page.heading("Recipe");
  if (!recipe.about.empty()) page.say(recipe.about);
  page.text(to_text(plan_of(recipe, evaluates), recipe, 0));
  page.folded("the whole recipe, every field explained", to_toml(recipe));
}

void add_environment(HtmlPage& page, const std::string& what, Device device) {
  page.heading("Environment");
  Table t{"of this page; a run may have had another", {"", ""}, {}};
  t.rows.push_back({std::string("of"), what});
  t.rows.push_back({std::string("made"), now_in_words()});
  t.rows.push_back({std::string("program"), str("mrcnn ", MR_VERSION, ", compiled by ", compiler)});
  t.rows.push_back({std::string("processor"), str(processor(), ", ", counted(thread_count(), "thread"))});
  t.rows.push_back({std::string("device"), str(device)});
  page.table(t);
}

}  // namespace mr::app
