#include "models/weights/show.h"

#include <cmath>
#include <cstdio>
#include <sstream>

#include "base/check.h"
#include "base/json_text.h"
#include "base/text.h"
#include "models/weights/safetensors.h"

namespace mr {
namespace {

constexpr size_t longest_text = 400;  // of a metadata value in a terminal

std::string padded(const std::string& s, size_t width) { return s + std::string(s.size() < width ? width - s.size() : 1, ' '); }

// The beginning of a text of several lines, as a recipe is.
std::string shown_lines(const std::string& text) {
  std::string out;
  std::istringstream lines(text.substr(0, longest_text));
  for (std::string line; std::getline(lines, line);) append(out, str(out.empty() ? "" : "\n", printable_whole(line)));
  return text.size() > longest_text ? str(out, "... (", text.size(), " characters)") : out;
}

}  // namespace

TensorSummary summarise(const NamedTensor& t) {
  TensorSummary s{t.name, t.type, t.shape, 0, 0, 0};
  const std::vector<double> values = read_doubles(t);
  double sum = 0, squares = 0;
  for (const double v : values) {
    if (std::isfinite(v))
      sum += v;
    else
      ++s.not_finite;
  }
  const auto n = static_cast<double>(static_cast<int64_t>(values.size()) - s.not_finite);
  if (n == 0) return s;
  s.mean = sum / n;
  for (const double v : values)
    if (std::isfinite(v)) squares += (v - s.mean) * (v - s.mean);
  s.deviation = std::sqrt(squares / n);
  return s;
}

std::string show_text(const WeightFile& file) {
  std::string out;
  for (const auto& [key, value] : file.metadata) append(out, str(printable(key), ": ", shown_lines(value), "\n"));
  for (const std::string& note : file.notes) out += printable(note) + "\n";
  if (!out.empty()) out += "\n";
  int64_t total = 0;
  for (const NamedTensor& t : file.tensors) {
    const TensorSummary s = summarise(t);
    char numbers[80];
    std::snprintf(numbers, sizeof numbers, "mean %11.4g  std %11.4g", s.mean, s.deviation);
    out += padded(printable(t.name), 52) + padded(name(t.type), 6) + padded(shape_text(t.shape), 22) + numbers;
    if (s.not_finite > 0) out += str("  ", s.not_finite, " not finite");
    out += "\n";
    total += t.numel();
  }
  return out + str(file.tensors.size(), " tensors, ", total, " values\n");
}

std::string show_json(const WeightFile& file) {
  JsonWriter j;
  j.object().field("path", file.path).key("metadata").object();
  for (const auto& [key, value] : file.metadata) j.field(key, value);
  j.end().key("tensors").array();
  int64_t total = 0;
  for (const NamedTensor& t : file.tensors) {
    const TensorSummary s = summarise(t);
    if (&t != file.tensors.data()) j.line();
    j.object().field("name", t.name).field("dtype", name(t.type)).key("shape").list(t.shape);
    j.field("mean", s.mean).field("std", s.deviation).field("not_finite", s.not_finite).end();
    total += t.numel();
  }
  return j.end().field("parameters", total).end().take() + "\n";
}

void convert_weights(const std::string& from, const std::string& to) {
  check(to.ends_with(".safetensors"), "weights: ", to, ": expected a name ending in .safetensors (.pth is read, never written)");
  const WeightFile file = open_weights(from);
  write_safetensors(to, file.metadata, file.tensors);
}

}  // namespace mr
