// What a run tells: a progress line for people, DIR/metrics.jsonl for programs, and the same for TensorBoard.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "tensor/storage.h"
#include "train/event_file.h"

namespace mr {

// Lines of text for a person. On a terminal the last progress line is overwritten by the next; elsewhere all are plain lines.
class Console {
 public:
  // Whether a line that cannot be printed (its reader has gone, the disk is full) is an error of the command, found at its end; or is
  // dropped, said once on standard error, because what the lines tell lies in files too.
  enum class Output : uint8_t { needed, dispensable };
  explicit Console(Output output = Output::needed);  // standard output
  explicit Console(std::function<void(const std::string&)> sink) : sink_(std::move(sink)) {}
  void say(const std::string& line);
  void progress(const std::string& line);
  bool terminal() const { return terminal_; }

 private:
  void print(const std::string& text);
  std::function<void(const std::string&)> sink_;  // instead of standard output
  Output output_ = Output::needed;
  bool terminal_ = false, open_line_ = false, dropped_ = false;
};

// The means of one logging interval.
struct StepMetrics {
  int64_t iteration = 0;
  double lr = 0, loss = 0, gradient_norm = 0, images_per_second = 0, seconds = 0;
  double waiting = 0;  // share of the steps' time that went by until their images were there
  std::vector<std::pair<std::string, double>> terms;
  AllocatorStats memory;
};
std::string progress_line(const StepMetrics& m, int64_t iterations, double seconds_left);

// DIR/metrics.jsonl, one JSON object a line: {"iteration": 20, "lr": …, "losses": {…}, …} or {"iteration": 500, "evaluation": {…}, …};
// and every scalar of a line, under its name (train/metrics_line.h), in an event file beside it (train/event_file.h).
class MetricsFile {
 public:
  // A run that goes on after `last_iteration` keeps the lines up to there: those beyond are of steps that it takes again. Lines that are no
  // such objects (the last one, cut short by a crash; what another program wrote) are left out, and `warn` hears of them. At 0 the file
  // begins empty. The event file keeps as much.
  MetricsFile(const std::string& folder, int64_t last_iteration, const std::function<void(const std::string&)>& warn);
  void write(const StepMetrics& m);
  void write_evaluation(int64_t iteration, const std::string& json, double seconds);
  // Tries once more to write what failed, before the step that it tells of is saved. What fails again is lost.
  void retry();

 private:
  void line(const std::string& text);
  void put();
  std::string line_, record_;  // that are not written yet
  std::optional<GrowingFile> lines_;
  std::optional<EventFile> events_;
};

}  // namespace mr
