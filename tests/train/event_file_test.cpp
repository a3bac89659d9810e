#include "train/event_file.h"

#include <cmath>
#include <ctime>
#include <fstream>

#include "tests/nobody.h"
#include "tests/train/event_records.h"
#include "tests/train/fake.h"
#include "train/metrics_line.h"

using namespace mr;
using Catch::Matchers::Contains;
using test::EventReader;
using test::TestEvent;

TEST_CASE("event file: the version, a start, then what is appended, with names, steps and times", "[events]") {
  const TestFolder folder;
  const auto begin = static_cast<double>(std::time(nullptr));  // whole seconds, rounded down
  const std::vector<NamedScalar> few = {{"loss", 1.25}, {"evaluation/segm/per_class/a b/€", -1}},
                                 many(300, NamedScalar(std::string(200, 'n'), 1e300));
  {
    EventFile file(folder.path(), 7);
    file.append(EventFile::record(20, few));
    file.append(EventFile::record(int64_t{1} << 40, many));  // a length of three bytes, a step of six
  }
  const std::vector<std::string> paths = test::event_files(folder.path());
  REQUIRE(paths.size() == 1);
  const std::string name = std::filesystem::path(paths[0]).filename().string();
  CHECK(name.rfind("events.out.tfevents.", 0) == 0);
  CHECK(std::abs(std::stod(name.substr(20)) - begin) < 3600);
  const std::vector<TestEvent> events = EventReader(read_text_file(paths[0])).events();
  REQUIRE(events.size() == 4);
  CHECK(events[0].version == "brain.Event:2");
  CHECK(events[1].start);
  CHECK(events[1].step == 1);
  CHECK(events[2].step == 20);
  REQUIRE(events[2].scalars.size() == 2);
  CHECK(events[2].scalars[0] == std::pair<std::string, float>("loss", 1.25f));
  CHECK(events[2].scalars[1] == std::pair<std::string, float>("evaluation/segm/per_class/a b/€", -1.0f));
  CHECK(events[3].step == int64_t{1} << 40);
  CHECK(events[3].scalars.size() == 300);
  CHECK(std::isinf(events[3].scalars[0].second));
  for (const TestEvent& e : events) {
    CHECK(e.wall_time >= begin);
    CHECK(e.wall_time < static_cast<double>(std::time(nullptr)) + 1);
    CHECK(e.start == (&e == &events[1]));
  }
}

namespace {

std::vector<std::pair<int64_t, float>> losses_in(const std::string& path) {
  std::vector<std::pair<int64_t, float>> losses;
  for (const TestEvent& e : EventReader(read_text_file(path)).events())
    for (const auto& [name, value] : e.scalars) losses.emplace_back(e.step, value);
  return losses;
}

void tell(EventFile& file, int64_t step, double loss) {
  const std::vector<NamedScalar> scalars = {{"loss", loss}};
  file.append(EventFile::record(step, scalars));
}

}  // namespace

TEST_CASE("event file: a new one comes last by name, holds what is kept of the others, and is the only one", "[events]") {
  const TestFolder folder;
  const auto only = [&] {
    const std::vector<std::string> files = test::event_files(folder.path());
    REQUIRE(files.size() == 1);
    return files[0];
  };
  const auto begun = [&](int64_t last, int64_t step, double loss) {
    EventFile file(folder.path(), last);
    for (const int64_t s : {step, step + 5}) tell(file, s, loss);
  };
  using Losses = std::vector<std::pair<int64_t, float>>;
  begun(0, 5, 1);
  const std::string first = only();
  begun(7, 10, 2);
  CHECK(only() > first);
  CHECK(losses_in(only()) == Losses{{5, 1}, {10, 2}, {15, 2}});
  std::ofstream(only(), std::ios::app | std::ios::binary) << "torn record";
  begun(12, 15, 3);
  CHECK(losses_in(only()) == Losses{{5, 1}, {10, 2}, {15, 3}, {20, 3}});
  // Killed between writing the new one and removing the old.
  const std::string before = only(), old = read_text_file(before);
  begun(16, 20, 4);
  std::ofstream(before, std::ios::binary) << old;
  begun(20, 25, 5);
  CHECK(losses_in(only()) == Losses{{5, 1}, {10, 2}, {15, 3}, {20, 4}, {25, 5}, {30, 5}});
  begun(0, 5, 6);  // from the beginning
  CHECK(losses_in(only()) == Losses{{5, 6}, {10, 6}});
}

TEST_CASE("event file: those of others are left alone, and come before by name", "[events]") {
  const TestFolder folder;
  for (const char* other : {"events.out.tfevents.9000000000.somebody", "events.out.tfevents.", "events.out.tfevents.x", "metrics.jsonl"})
    std::ofstream(folder / other) << "";
  EventFile(folder.path(), 5);
  CHECK(is_there(folder / "events.out.tfevents.9000000001.mrcnn"));
  CHECK(test::event_files(folder.path()).size() == 4);
  CHECK(EventReader(read_text_file(folder / "events.out.tfevents.9000000001.mrcnn")).events().at(1).step == 1);
}

TEST_CASE("event file: a folder that cannot be written is named", "[events]") {
  const TestFolder folder;
  CHECK_THROWS_WITH(EventFile(folder / "nowhere", 1), Contains("/nowhere: cannot be listed: No such file"));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  {
    const Nobody nobody;
    CHECK_THROWS_WITH(EventFile(folder.path(), 1), Contains(": not permitted (Permission denied)") && Contains("/events.out.tfevents."));
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

TEST_CASE("the scalars of a line of metrics are named after its members", "[metrics]") {
  const auto line = read_metrics_line(
      R"({"lr": 0.5, "losses": {"mask": 1, "a/b": {"iteration": 2}}, "iteration": 20, "none": null, "inf": Infinity, "text": "x", "list": [1]})");
  REQUIRE(line);
  CHECK(line->iteration == 20);
  CHECK(line->scalars == std::vector<NamedScalar>{{"lr", 0.5}, {"losses/mask", 1}, {"losses/a/b/iteration", 2}});
  for (const char* none : {"", "{}", "[]", "{\"iteration\": 20", "{\"iteration\": -1}", "{\"iteration\": 2.5}", "{\"lr\": 1}"}) {
    INFO(none);
    CHECK_FALSE(read_metrics_line(none));
  }
}

TEST_CASE("metrics of a run in progress are read up to the line that is being written", "[metrics]") {
  const TestFolder folder;
  std::ofstream(folder / "metrics.jsonl") << "{\"iteration\":20,\"loss\":2}\ntorn\n{\"iteration\":40,\"loss\":1}\n{\"iteration\":60,\"lo";
  const std::vector<MetricsLine> lines = read_metrics(folder / "metrics.jsonl");
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].iteration == 40);
  CHECK(lines[1].scalars == std::vector<NamedScalar>{{"loss", 1}});
  CHECK_THROWS_WITH(read_metrics(folder / "none"), Contains("/none: there is no such file"));
}
