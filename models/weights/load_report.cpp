#include "models/weights/load_report.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/check.h"
#include "base/json_text.h"
#include "base/text.h"
#include "models/weights/load.h"

namespace mr {
namespace {

constexpr size_t most_mismatches = 12;  // rows of a summary

std::string padded(const std::string& s, size_t width) { return s + std::string(s.size() < width ? width - s.size() : 1, ' '); }
std::string right(size_t n, size_t width) {
  const std::string s = std::to_string(n);
  return std::string(s.size() < width ? width - s.size() : 0, ' ') + s;
}

// "roi_heads.mask_head.0.0.weight" → "roi_heads.mask_head": the first two words of a name that has more.
std::string part_of(const std::string& name) {
  const size_t first = name.find('.'), second = first == std::string::npos ? first : name.find('.', first + 1);
  return second != std::string::npos ? name.substr(0, second) : first != std::string::npos ? name.substr(0, first) : name;
}

std::string by_part(const std::vector<std::string>& names) {
  constexpr size_t most = 8;
  std::map<std::string, size_t> count;
  for (const std::string& n : names) ++count[printable(part_of(n))];
  if (count.size() > most) return some_names(names);
  std::string out;
  for (const auto& [part, n] : count) out += (out.empty() ? "" : ", ") + part + (n > 1 ? str(" (", n, ")") : std::string());
  return out;
}

struct Row {
  size_t loaded = 0, mismatched = 0, missing = 0;
};

// Loaded, of another shape, not in the file: one row a part, in the order of the model's parts.
std::string part_table(const LoadReport& r) {
  std::map<std::string, Row> rows;
  for (const std::string& n : r.loaded) ++rows[part_of(n)].loaded;
  for (const Mismatch& m : r.mismatched) ++rows[part_of(m.name)].mismatched;
  for (const std::string& n : r.missing) ++rows[part_of(n)].missing;
  constexpr size_t names = 34, numbers = 14;
  std::string out = "  " + padded("part", names) + "        loaded   other shape   not in file";
  for (const auto& [part, row] : rows)
    out += "\n  " + padded(part, names) + right(row.loaded, numbers) + right(row.mismatched, numbers) + right(row.missing, numbers);
  return out;
}

}  // namespace

std::string some_names(const std::vector<std::string>& names) {
  constexpr size_t most = 8;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) out += (i ? ", " : "") + printable(names[i]);
  return names.size() > most ? str(out, " and ", names.size() - most, " more") : out;
}

const char* name_of(Naming naming) {
  constexpr const char* names[] = {"torchvision", "detectron2", "Detectron"};
  return names[static_cast<size_t>(naming)];
}

std::string mismatch_table(const std::vector<Mismatch>& mismatches) {
  const auto row = [](const std::string& name, const std::string& file, const std::string& model) {
    return "  " + padded(name, 48) + padded(file, 20) + model;
  };
  std::string out = row("name", "in the file", "in the model");
  for (const Mismatch& m : mismatches) out += "\n" + row(m.name, shape_text(m.file), shape_text(m.model));
  return out;
}

std::string summary(const LoadReport& r) {
  const size_t of = r.loaded.size() + r.missing.size() + r.mismatched.size();
  std::string out = r.loaded.size() == of ? counted(of, "tensor") + " loaded" : str(r.loaded.size(), " of ", of, " tensors loaded");
  if (r.naming != Naming::torchvision) out += str(", by ", name_of(r.naming), "'s names");
  if (r.loaded.size() < of) out += "; the others keep their initial values:\n" + part_table(r);
  if (!r.mismatched.empty()) {
    const std::vector<Mismatch> first(r.mismatched.begin(),
                                      r.mismatched.begin() + static_cast<std::ptrdiff_t>(std::min(r.mismatched.size(), most_mismatches)));
    out += "\nof another shape:\n" + mismatch_table(first);
    if (first.size() < r.mismatched.size()) out += str("\n  and ", r.mismatched.size() - first.size(), " more");
  }
  if (!r.unused.empty()) out += "\n" + counted(r.unused.size(), "tensor") + " of the file not used: " + by_part(r.unused);
  for (const std::string& note : r.notes) out += "\n" + note;
  return out;
}

std::string every_tensor(const LoadReport& r) {
  std::string out;
  const auto all = [&out](const char* what, const std::vector<std::string>& names) {
    for (const std::string& n : names) out += padded(what, 16) + printable(n) + "\n";
  };
  all("loaded", r.loaded);
  for (const Mismatch& m : r.mismatched)
    out += padded("other shape", 16) + m.name + ": " + shape_text(m.file) + " in the file, " + shape_text(m.model) + " in the model\n";
  all("not in file", r.missing);
  all("not used", r.unused);
  all("of no use", r.ignored);
  return out;
}

std::string report_json(const LoadReport& r, const std::string& refusal) {
  JsonWriter j;
  j.object().field("naming", name_of(r.naming));
  j.key("loaded").list(r.loaded).key("missing").list(r.missing).key("unused").list(r.unused).key("ignored").list(r.ignored);
  j.key("mismatched").array();
  for (const Mismatch& m : r.mismatched) j.object().field("name", m.name).key("file").list(m.file).key("model").list(m.model).end();
  j.end().key("notes").list(r.notes).field("refusal", refusal).end();
  return j.take() + "\n";
}

}  // namespace mr
