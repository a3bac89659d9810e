#include "train/progress.h"

#include <fmt/format.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "train/metrics_line.h"
#include "train/pace.h"

namespace mr {

Console::Console(Output output) : output_(output), terminal_(isatty(STDOUT_FILENO) == 1) {}

// What the stream could not put out stays in it, for the command's end to find; of a dispensable line it is thrown away.
void Console::print(const std::string& text) {
  const bool printed = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (printed || output_ == Output::needed) return;
  const int code = errno;
  __fpurge(stdout);
  std::clearerr(stdout);
  if (!std::exchange(dropped_, true))
    std::fprintf(stderr, "mrcnn: standard output: cannot be written: %s; the run goes on without it\n", reason_of(code).c_str());
}

void Console::say(const std::string& line) {
  if (sink_) return sink_(line);
  print((open_line_ ? "\r\033[K" : "") + line + "\n");
  open_line_ = false;
}

void Console::progress(const std::string& line) {
  if (sink_ || !terminal_) return say(line);
  print("\r\033[K" + line);
  open_line_ = true;
}

std::string progress_line(const StepMetrics& m, int64_t iterations, double seconds_left) {
  std::string terms;
  for (const auto& [name, value] : m.terms) terms += fmt::format("{}{} {:.3f}", terms.empty() ? "" : ", ", name, value);
  const std::string total = iterations > 0 ? fmt::format("/{}", iterations) : "";
  const std::string left = iterations > 0 ? ", " + show_duration(seconds_left) + " left" : "";
  return fmt::format("{}{}  loss {:.3f} ({})  lr {:.3g}  {:.2f} images/s, {:.1f} % of the time waiting{}", m.iteration, total, m.loss,
                     terms, m.lr, m.images_per_second, 100 * m.waiting, left);
}

// ---- metrics.jsonl ----

namespace {

// "line 3", "lines 3, 5, 8, …"
std::string list_of_lines(const std::vector<int64_t>& numbers) {
  constexpr size_t most = 5;
  std::string list = numbers.size() == 1 ? "line " : "lines ";
  for (size_t i = 0; i < std::min(numbers.size(), most); ++i) append(list, str(i > 0 ? ", " : "", numbers[i]));
  return list + (numbers.size() > most ? ", …" : "");
}

// The lines up to an iteration.
std::string kept_lines(const std::string& path, int64_t last_iteration, const std::function<void(const std::string&)>& warn) {
  const std::string text = read_text_file(path);
  std::string kept;
  std::vector<int64_t> broken;
  int64_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    const std::optional<MetricsLine> told = read_metrics_line(line);
    ++number;
    if (!told) broken.push_back(number);
    if (told && told->iteration <= last_iteration) kept += line + "\n";
    begin = end + 1;
  }
  if (broken.size() == 1 && broken[0] == number)
    warn(str(path, ": line ", number, ", the last one, is cut short and left out"));
  else if (!broken.empty())
    warn(str(path, ": ", broken.size(), broken.size() == 1 ? " line is" : " lines are",
             " no metrics and left out: ", list_of_lines(broken)));
  return kept;
}

}  // namespace

MetricsFile::MetricsFile(const std::string& folder, int64_t last_iteration, const std::function<void(const std::string&)>& warn) {
  const std::string path = folder + "/metrics.jsonl";
  const bool goes_on = last_iteration > 0 && is_there(path);
  if (goes_on) write_text_file(path, kept_lines(path, last_iteration, warn));
  lines_.emplace(path, goes_on);
  events_.emplace(folder, last_iteration);
}

void MetricsFile::line(const std::string& text) {
  line_ = text + "\n";
  if (const auto told = read_metrics_line(text)) record_ = EventFile::record(told->iteration, told->scalars);
  put();
}

void MetricsFile::put() {
  if (!line_.empty()) lines_->append(line_);
  line_.clear();
  if (!record_.empty()) events_->append(record_);
  record_.clear();
}

void MetricsFile::retry() {
  try {
    put();
  } catch (const Error&) {  // told the first time
    line_.clear();
    record_.clear();
  }
}

void MetricsFile::write(const StepMetrics& m) {
  nlohmann::ordered_json j;
  j["iteration"] = m.iteration;
  j["lr"] = m.lr;
  j["loss"] = m.loss;
  for (const auto& [name, value] : m.terms) j["losses"][name] = value;
  j["gradient_norm"] = m.gradient_norm;
  j["images_per_second"] = m.images_per_second;
  j["waiting"] = m.waiting;
  j["seconds"] = m.seconds;
  j["memory"] = {{"in_use_bytes", m.memory.in_use_bytes},
                 {"peak_in_use_bytes", m.memory.peak_in_use_bytes},
                 {"reserved_bytes", m.memory.reserved_bytes},
                 {"system_allocations", m.memory.system_allocations}};
  line(j.dump());
}

void MetricsFile::write_evaluation(int64_t iteration, const std::string& json, double seconds) {
  nlohmann::ordered_json j;
  j["iteration"] = iteration;
  j["evaluation"] = nlohmann::ordered_json::parse(json);
  j["evaluation_seconds"] = seconds;
  line(j.dump());
}

}  // namespace mr
