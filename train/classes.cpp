#include "train/classes.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "data/dataset.h"
#include "train/recipe.h"

namespace mr {
namespace {

// The category ids under which a name stands, as "3, 7".
std::string ids_of(const Classes& classes, const std::string& name) {
  std::string out;
  for (size_t i = 0; i < classes.names.size(); ++i)
    if (classes.names[i] == name) out += (out.empty() ? "" : ", ") + std::to_string(classes.ids[i]);
  return out;
}

// The first few of a list of names.
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t most = 5;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) out += (i > 0 ? ", " : "") + names[i];
  return names.size() > most ? str(out, ", … (", names.size(), " in all)") : out;
}

}  // namespace

int Classes::label_of(const std::string& name) const {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() || name.empty() ? 0 : static_cast<int>(at - names.begin()) + 1;
}

Classes classes_of(const Dataset& dataset) { return {dataset.class_names(), dataset.category_ids()}; }

Classes classes_of(const Recipe& recipe, const Dataset& dataset) {
  Recipe r = recipe;
  const Classes there = classes_of(dataset);
  if (r.data.classes.empty()) {
    r.data.classes = there.names;
    r.data.category_ids = there.ids;
  }
  if (r.data.category_ids.empty()) {
    for (const std::string& name : r.data.classes) {
      const int label = there.label_of(name);
      check(label > 0, "data.classes: the annotations have no class ", name, hint(name, there.names));
      check(std::count(there.names.begin(), there.names.end(), name) == 1, "data.classes: ", name, " is the name of the categories ",
            ids_of(there, name), ": data.category_ids = [ID, …], one for each class, tells which is meant");
      r.data.category_ids.push_back(there.ids[static_cast<size_t>(label) - 1]);
    }
  }
  return classes_of(r);
}

Classes classes_of(const Recipe& recipe) {
  const DataConfig& d = recipe.data;
  check(d.classes.size() == d.category_ids.size(), "data.category_ids: ", counted(std::ssize(d.category_ids), "id"), " for ",
        counted(std::ssize(d.classes), "class"));
  check_distinct_ids({d.classes, d.category_ids}, "data.category_ids");
  if (d.labels == Labels::contiguous) return {d.classes, d.category_ids};
  Classes by_id;
  for (size_t i = 0; i < d.classes.size(); ++i) {
    const int64_t id = d.category_ids[i];
    check(id >= 1 && id <= 100000, "data.labels: category_id needs ids from 1 to 100000, got ", id, " (", d.classes[i], ")");
    const auto size = static_cast<size_t>(std::max(id, by_id.size()));
    by_id.names.resize(size);
    by_id.ids.resize(size);
    by_id.names[static_cast<size_t>(id - 1)] = d.classes[i];
    by_id.ids[static_cast<size_t>(id - 1)] = id;
  }
  return by_id;
}

void check_distinct_ids(const Classes& classes, const std::string& where) {
  std::set<int64_t> seen;
  for (size_t i = 0; i < classes.names.size(); ++i)  // a label without a class shares its id of 0 with others
    check(classes.names[i].empty() || seen.insert(classes.ids[i]).second, where, ": expected a different id for each class, got ",
          classes.ids[i], " twice (", classes.names[i], ")");
}

std::vector<int> match_classes(const Classes& model, const Classes& data, const std::string& where) {
  std::vector<int> match(model.names.size());
  std::vector<bool> taken(data.names.size());
  for (size_t m = 0; m < match.size(); ++m)
    for (size_t d = 0; d < taken.size() && match[m] == 0; ++d)
      if (!model.names[m].empty() && model.names[m] == data.names[d] && model.ids[m] == data.ids[d])
        match[m] = static_cast<int>(d) + 1, taken[d] = true;
  for (size_t m = 0; m < match.size(); ++m) {
    const std::string& name = model.names[m];
    if (match[m] != 0 || name.empty()) continue;
    const auto same = [&name](const std::string& other) { return other == name; };
    int candidate = 0;
    for (size_t d = 0; d < taken.size(); ++d)
      if (!taken[d] && data.names[d] == name) candidate = static_cast<int>(d) + 1;
    if (candidate == 0) continue;
    check(std::ranges::count_if(model.names, same) == 1 && std::ranges::count_if(data.names, same) == 1, where, ": ", name,
          " is the name of the categories ", ids_of(data, name), " of the annotations and of the model's ", ids_of(model, name),
          ": data.category_ids = [ID, …], one for each class in the model's order, tells which is meant");
    match[m] = candidate, taken[static_cast<size_t>(candidate) - 1] = true;
  }
  return match;
}

ResultIds result_ids(const Classes& model, const Classes& data, const std::string& where) {
  const std::vector<int> match = match_classes(model, data, where);
  const std::set<int64_t> theirs(data.ids.begin(), data.ids.end());
  ResultIds out{model.ids, {}};
  for (size_t m = 0; m < match.size(); ++m) {
    if (match[m] > 0)
      out.ids[m] = data.ids[static_cast<size_t>(match[m]) - 1];
    else if (theirs.contains(model.ids[m]) && !model.names[m].empty())
      out.left_out.push_back(static_cast<int>(m) + 1);
  }
  return out;
}

std::string describe_mismatch(const Classes& model, const Classes& data, const std::vector<int>& match) {
  std::vector<std::string> model_only, data_only, other_name;
  std::vector<bool> matched(data.names.size());
  for (const int label : match)
    if (label > 0) matched[static_cast<size_t>(label) - 1] = true;
  const auto named = [](const Classes& all, size_t i) {  // with its id, where the name does not tell which class it is
    const bool twice = std::ranges::count(all.names, all.names[i]) > 1;
    return twice ? str(all.names[i], " (id ", all.ids[i], ")") : all.names[i];
  };
  for (size_t m = 0; m < match.size(); ++m) {
    if (match[m] > 0 || model.names[m].empty()) continue;
    model_only.push_back(named(model, m));
    for (size_t d = 0; d < matched.size(); ++d)
      if (data.ids[d] == model.ids[m])
        other_name.push_back(
            str("category ", data.ids[d], " is '", model.names[m], "' in the model and '", data.names[d], "' in the annotations"));
  }
  for (size_t d = 0; d < matched.size(); ++d)
    if (!matched[d] && !data.names[d].empty()) data_only.push_back(named(data, d));
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  if (!model_only.empty()) add(str("classes of the model that the annotations lack: ", some_of(model_only)));
  if (!data_only.empty()) add(str("classes of the annotations that the model lacks: ", some_of(data_only)));
  if (!other_name.empty()) add(some_of(other_name));
  return out;
}

}  // namespace mr
