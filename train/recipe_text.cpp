#include "train/recipe_text.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

constexpr size_t columns = 100;

// Lines of at most so many bytes, each beginning with `begin`.
std::string wrapped(const std::string& text, const std::string& begin) {
  std::string out, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && begin.size() + line.size() + 1 + word.size() > columns) {
      append(out, str(begin, line, "\n"));
      line.clear();
    }
    append(line, str(line.empty() ? "" : " ", printable_whole(word)));  // a comment in TOML may hold no control character
  }
  return line.empty() ? out : str(out, begin, line, "\n");
}

// "model.box.size" → "model.box" and "size"
std::pair<std::string, std::string> group_and_key(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? std::pair{std::string(), path} : std::pair{path.substr(0, dot), path.substr(dot + 1)};
}

}  // namespace

std::string recipe_text(const Recipe& recipe, const std::string& base, const std::string& heading, const std::vector<Choice>& choices) {
  std::map<std::string, const Choice*> chosen;
  for (const Choice& c : choices)
    for (const std::string& key : c.keys) chosen[key] = &c;
  std::set<std::string> other;
  for (const Difference& d : differences(visit_of(load_recipe(base)), visit_of(recipe))) other.insert(d.key);

  std::vector<std::string> groups = {""};  // in the order of the fields; keys outside any [group] come first
  std::map<std::string, std::string> text;
  std::set<const Choice*> explained;
  for (const FlatField& f : flatten(visit_of(recipe))) {
    const auto choice = chosen.find(f.key);
    if (choice == chosen.end() && !other.contains(f.key)) continue;
    const auto [group, key] = group_and_key(f.key);
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
    if (choice != chosen.end() && explained.insert(choice->second).second) append(text[group], wrapped(choice->second->why, "# "));
    append(text[group], str(key, " = ", f.value, "\n"));
  }
  std::string out;
  std::istringstream lines(heading);
  for (std::string line; std::getline(lines, line);) append(out, line.empty() ? "#\n" : str("# ", printable_whole(line), "\n"));
  append(out, str("\n# What is not said here is its.\nbase = ", toml_string(base), "\n"));
  for (const std::string& g : groups) append(out, g.empty() ? text[g] : str("\n[", g, "]\n", text[g]));
  return out;
}

std::vector<Choice> each_setting_once(std::vector<Choice> choices) {
  std::set<std::string> taken;
  for (auto c = choices.rbegin(); c != choices.rend(); ++c) {
    std::erase_if(c->keys, [&taken](const std::string& key) { return taken.contains(key); });
    taken.insert(c->keys.begin(), c->keys.end());
  }
  std::erase_if(choices, [](const Choice& c) { return c.keys.empty(); });
  return choices;
}

std::string choices_text(const Recipe& recipe, const std::vector<Choice>& choices) {
  std::map<std::string, std::string> values;
  for (FlatField& f : flatten(visit_of(recipe))) values[f.key] = std::move(f.value);
  std::string out;
  for (const Choice& c : choices) {
    std::string settings;
    for (const std::string& key : c.keys) append(settings, str(settings.empty() ? "" : "   ", key, " = ", values.at(key)));
    append(out, str("  ", settings, "\n", wrapped(c.why, "      ")));
  }
  return out;
}

}  // namespace mr
