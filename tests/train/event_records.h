// Reads TensorBoard's event files by their format alone: checksums bit by bit, messages field by field.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "tests/catch.h"
#include "train/metrics_line.h"

namespace mr::test {

struct TestEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string version;
  bool start = false;
  std::vector<std::pair<std::string, float>> scalars = {};
};

class EventReader {
 public:
  explicit EventReader(std::string bytes) : bytes_(std::move(bytes)) {}

  // All events; a file that does not end with a whole record, or whose checksums are wrong, fails the test.
  std::vector<TestEvent> events() {
    std::vector<TestEvent> all;
    while (at_ < bytes_.size()) {
      REQUIRE(bytes_.size() - at_ >= 12);
      const auto size = static_cast<size_t>(little(at_, 8));
      CHECK(little(at_ + 8, 4) == masked(std::string_view(bytes_).substr(at_, 8)));
      REQUIRE(bytes_.size() - at_ - 12 >= size + 4);
      const std::string_view message = std::string_view(bytes_).substr(at_ + 12, size);
      CHECK(little(at_ + 12 + size, 4) == masked(message));
      all.push_back(event(message));
      at_ += 16 + size;
    }
    return all;
  }

 private:
  uint64_t little(size_t at, int count) const {
    uint64_t v = 0;
    for (int i = count; i-- > 0;) v = v << 8 | static_cast<uint8_t>(bytes_[at + static_cast<size_t>(i)]);
    return v;
  }

  // x³² + x²⁸ + x²⁷ + x²⁶ + x²⁵ + x²³ + x²² + x²⁰ + x¹⁹ + x¹⁸ + x¹⁴ + x¹³ + x¹¹ + x¹⁰ + x⁹ + x⁸ + x⁶ + 1, the lowest bit first.
  static uint32_t masked(std::string_view bytes) {
    uint32_t polynomial = 0;
    for (const int power : {28, 27, 26, 25, 23, 22, 20, 19, 18, 14, 13, 11, 10, 9, 8, 6, 0}) polynomial |= uint32_t{1} << (31 - power);
    uint32_t c = 0xffffffffu;
    for (const char byte : bytes)
      for (int bit = 0; bit < 8; ++bit) {
        const bool one = ((c ^ static_cast<uint8_t>(byte) >> bit) & 1) != 0;
        c = c >> 1 ^ (one ? polynomial : 0);
      }
    c = ~c;
    return (c >> 15 | c << 17) + 0xa282ead8u;
  }

  struct Field {
    uint64_t number = 0, value = 0;  // of those without a text
    std::string_view text = {};
  };
  static uint64_t varint(std::string_view& m) {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(!m.empty());
      const auto byte = static_cast<uint8_t>(m[0]);
      m.remove_prefix(1);
      v |= uint64_t{byte & 127u} << shift;
      if (byte < 128) return v;
    }
  }
  static std::vector<Field> fields(std::string_view m) {
    std::vector<Field> all;
    while (!m.empty()) {
      const uint64_t key = varint(m);
      Field f{key >> 3};
      const size_t fixed = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : 0;
      if (fixed > 0) {
        REQUIRE(m.size() >= fixed);
        for (size_t i = fixed; i-- > 0;) f.value = f.value << 8 | static_cast<uint8_t>(m[i]);
        m.remove_prefix(fixed);
      } else if ((key & 7) == 2) {
        const auto size = static_cast<size_t>(varint(m));
        REQUIRE(m.size() >= size);
        f.text = m.substr(0, size);
        m.remove_prefix(size);
      } else {
        REQUIRE((key & 7) == 0);
        f.value = varint(m);
      }
      all.push_back(f);
    }
    return all;
  }
  static TestEvent event(std::string_view message) {
    TestEvent e;
    for (const Field& f : fields(message)) {
      if (f.number == 1) e.wall_time = std::bit_cast<double>(f.value);
      if (f.number == 2) e.step = static_cast<int64_t>(f.value);
      if (f.number == 3) e.version = f.text;
      if (f.number == 7)
        for (const Field& log : fields(f.text)) e.start |= log.number == 1 && log.value == 1;
      if (f.number != 5) continue;
      for (const Field& value : fields(f.text)) {
        CHECK(value.number == 1);
        auto& [tag, number] = e.scalars.emplace_back();
        for (const Field& part : fields(value.text)) {
          if (part.number == 1) tag = part.text;
          if (part.number == 2) number = std::bit_cast<float>(static_cast<uint32_t>(part.value));
        }
      }
    }
    return e;
  }

  std::string bytes_;
  size_t at_ = 0;
};

// The event files of a folder, in the order in which TensorBoard reads them.
inline std::vector<std::string> event_files(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().find("tfevents") != std::string::npos) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// What TensorBoard shows of them: by tag, the values by step. A step that stands twice fails the test.
using Shown = std::map<std::string, std::map<int64_t, float>>;
inline Shown shown(const std::string& folder) {
  Shown all;
  for (const std::string& path : event_files(folder))
    for (const TestEvent& e : EventReader(read_text_file(path)).events()) {
      if (e.start)
        for (auto& [tag, steps] : all) steps.erase(steps.lower_bound(e.step), steps.end());
      for (const auto& [tag, value] : e.scalars) {
        INFO(tag << " at " << e.step);
        CHECK(all[tag].emplace(e.step, value).second);
      }
    }
  return all;
}

// What it should show: every scalar of metrics.jsonl.
inline Shown told(const std::string& folder) {
  Shown all;
  for (const MetricsLine& line : read_metrics(folder + "/metrics.jsonl"))
    for (const auto& [name, value] : line.scalars) CHECK(all[name].emplace(line.iteration, static_cast<float>(value)).second);
  return all;
}

}  // namespace mr::test
