// What a run tells: a progress line for people, DIR/metrics.jsonl for programs.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/storage.h"

namespace mr {

// Lines of text for a person. On a terminal the last progress line is overwritten by the next; elsewhere all are plain lines.
class Console {
 public:
  Console();  // standard output
  explicit Console(std::function<void(const std::string&)> sink) : sink_(std::move(sink)) {}
  void say(const std::string& line);
  void progress(const std::string& line);
  bool terminal() const { return terminal_; }

 private:
  std::function<void(const std::string&)> sink_;  // instead of standard output
  bool terminal_ = false, open_line_ = false;
};

// The means of one logging interval.
struct StepMetrics {
  int64_t iteration = 0;
  double lr = 0, loss = 0, gradient_norm = 0, images_per_second = 0, seconds = 0;
  std::vector<std::pair<std::string, double>> terms;
  AllocatorStats memory;
};
std::string progress_line(const StepMetrics& m, int64_t iterations, double seconds_left);

// One JSON object a line: {"iteration": 20, "lr": …, "losses": {…}, …} or {"iteration": 500, "evaluation": {…}}.
class MetricsFile {
 public:
  // Lines beyond `last_iteration` are of steps that a resumed run takes again: they are dropped.
  MetricsFile(const std::string& path, int64_t last_iteration);
  void write(const StepMetrics& m);
  void write_evaluation(int64_t iteration, const std::string& json, double seconds);

 private:
  void line(const std::string& text);
  std::string path_;
  std::ofstream out_;
};

}  // namespace mr
