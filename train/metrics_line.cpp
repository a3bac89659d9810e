#include "train/metrics_line.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"

namespace mr {
namespace {

// The scalars of the value that comes next.
void collect(JsonReader& json, const std::string& name, MetricsLine& line) {
  switch (json.kind()) {
    case JsonReader::Kind::number: {
      const double value = json.number().value;
      if (std::isfinite(value)) line.scalars.emplace_back(name, value);
      return;
    }
    case JsonReader::Kind::object:
      return json.object([&](std::string_view key) { collect(json, str(name, "/", key), line); });
    default:
      json.skip();
  }
}

}  // namespace

std::optional<MetricsLine> read_metrics_line(const std::string& text) {
  MetricsLine line;
  line.iteration = -1;
  try {
    JsonReader json(text, "metrics");
    json.object([&](std::string_view key) {
      if (key != "iteration") return collect(json, std::string(key), line);
      if (json.kind() != JsonReader::Kind::number) return json.skip();
      const JsonNumber n = json.number();
      if (n.is_integer) line.iteration = std::max<int64_t>(n.integer, -1);
    });
    json.end();
  } catch (const Error&) {
    return std::nullopt;
  }
  if (line.iteration < 0) return std::nullopt;
  return line;
}

std::vector<MetricsLine> read_metrics(const std::string& path) {
  std::istringstream text(read_text_file(path));
  std::vector<MetricsLine> lines;
  for (std::string line; std::getline(text, line);)
    if (auto read = read_metrics_line(line)) lines.push_back(std::move(*read));
  return lines;
}

}  // namespace mr
