// The scalars of one line of metrics.jsonl, under names that follow the line's members:
//
//   {"iteration": 20, "lr": 0.05, "losses": {"mask": 0.7}}         lr 0.05, losses/mask 0.7, of iteration 20
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mr {

struct MetricsLine {
  int64_t iteration = 0;
  std::vector<std::pair<std::string, double>> scalars = {};  // in the line's order
};

// Texts, lists and null, which stands for a number that is not finite, are passed over. Nothing: the line is not an object of metrics.
std::optional<MetricsLine> read_metrics_line(const std::string& line);

// All of a file's; a last line that is being written, and others that are none, are passed over. Errors: as read_text_file (base/files.h).
std::vector<MetricsLine> read_metrics(const std::string& path);

}  // namespace mr
