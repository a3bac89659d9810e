#include "train/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/files.h"
#include "train/pace.h"

namespace mr {

Console::Console() : terminal_(isatty(STDOUT_FILENO) == 1) {}

void Console::say(const std::string& line) {
  if (sink_) return sink_(line);
  if (open_line_) std::fputs("\r\033[K", stdout);
  open_line_ = false;
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void Console::progress(const std::string& line) {
  if (sink_ || !terminal_) return say(line);
  std::fputs(("\r\033[K" + line).c_str(), stdout);
  std::fflush(stdout);
  open_line_ = true;
}

std::string progress_line(const StepMetrics& m, int64_t iterations, double seconds_left) {
  std::string terms;
  for (const auto& [name, value] : m.terms) terms += fmt::format("{}{} {:.3f}", terms.empty() ? "" : ", ", name, value);
  const std::string total = iterations > 0 ? fmt::format("/{}", iterations) : "";
  const std::string left = iterations > 0 ? ", " + show_duration(seconds_left) + " left" : "";
  return fmt::format("{}{}  loss {:.3f} ({})  lr {:.3g}  {:.2f} images/s{}", m.iteration, total, m.loss, terms, m.lr, m.images_per_second,
                     left);
}

MetricsFile::MetricsFile(const std::string& path, int64_t last_iteration) : path_(path) {
  if (last_iteration > 0 && std::filesystem::exists(path)) {
    std::string kept, text = read_text_file(path);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string one = text.substr(begin, end - begin);
      const auto parsed = nlohmann::json::parse(one, nullptr, false);
      if (parsed.is_object() && parsed.value("iteration", int64_t{-1}) >= 0 && parsed.value("iteration", int64_t{-1}) <= last_iteration)
        kept += one + "\n";
      begin = end + 1;
    }
    write_text_file(path, kept);
  }
  out_.open(path, last_iteration > 0 ? std::ios::app : std::ios::trunc);
  check(out_.good(), path_, ": cannot be written");
}

void MetricsFile::line(const std::string& text) {
  out_ << text << "\n" << std::flush;
  check(out_.good(), path_, ": cannot be written");
}

void MetricsFile::write(const StepMetrics& m) {
  nlohmann::ordered_json j;
  j["iteration"] = m.iteration;
  j["lr"] = m.lr;
  j["loss"] = m.loss;
  for (const auto& [name, value] : m.terms) j["losses"][name] = value;
  j["gradient_norm"] = m.gradient_norm;
  j["images_per_second"] = m.images_per_second;
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
  j["seconds"] = seconds;
  line(j.dump());
}

}  // namespace mr
