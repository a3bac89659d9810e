#include "bench/timings/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/json_text.h"
#include "bench/best_of.h"
#include "bench/timings/neighbours.h"
#include "bench/timings/synthetic.h"
#include "tensor/context.h"
#include "tensor/device.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

double seconds_of(Device device, const std::function<void()>& work) {
  const double begin = wall_seconds();
  work();
  synchronize(device);
  return wall_seconds() - begin;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

ModelTiming time_of(const std::string& name, const BenchModelOptions& options, const std::function<void()>& work) {
  const Device device = options.device;
  ModelTiming t;
  t.name = name;
  work();
  work();  // caches are full only after the second time
  synchronize(device);
  const uint64_t before = allocator_stats(device).system_allocations;
  const Neighbours neighbours(options.loaded);
  std::vector<double> alone, loaded;
  for (int64_t i = 0; i < options.repeats; ++i) {
    alone.push_back(seconds_of(device, work));
    if (options.loaded == 0) continue;
    neighbours.work();
    loaded.push_back(seconds_of(device, work));
    neighbours.rest();
  }
  const AllocatorStats stats = allocator_stats(device);
  t.best = *std::min_element(alone.begin(), alone.end());
  t.median = median(alone);
  if (options.loaded > 0) {
    t.loaded = median(loaded);
    t.kept = t.median / t.loaded / share_left(thread_count(), options.loaded);
  }
  t.peak_bytes = stats.peak_in_use_bytes;
  t.system_allocations = stats.system_allocations - before;
  return t;
}

}  // namespace

std::vector<ModelTiming> bench_model(const Recipe& recipe, const BenchModelOptions& options) {
  const TimedModel model(recipe, options);
  std::vector<ModelTiming> timings;
  std::vector<std::string> names;
  const auto wanted = [&](const std::string& name) {
    names.push_back(name);
    return ("." + name).find("." + options.filter) != std::string::npos;  // f32 is not tf32
  };
  const ContextGuard guard;
  const bool cpu = options.device.type == DeviceType::cpu;
  for (const std::string precision : {"f32", "tf32", "bf16"}) {
    if (cpu && (precision == "tf32" || (precision == "bf16" && isa() != Isa::v4))) continue;
    context().precision = precision == "bf16" ? DType::bf16 : DType::f32;
    context().tf32 = precision == "tf32";
    const std::string prefix = precision + ".";
    if (wanted(prefix + "inference")) {
      int64_t detections = 0;
      timings.push_back(time_of(prefix + "inference", options, [&] {
        const NoGrad no_tape;
        detections = predict(*model.system, model.predicting).at(0).boxes.size(0);
      }));
      timings.back().detections = detections;
    }
    if (wanted(prefix + "train")) {
      timings.push_back(time_of(prefix + "train", options, [&] { model.step(); }));
    }
  }
  check(!timings.empty(), "bench: --filter ", options.filter, ": expected a part of one of ", fmt::format("{}", fmt::join(names, ", ")));
  return timings;
}

std::string to_json(const std::vector<ModelTiming>& timings) {
  JsonWriter j;
  j.object();
  for (const ModelTiming& t : timings) {
    j.key(t.name).object().field("seconds", t.best).field("median", t.median).field("detections", t.detections);
    j.field("peak_bytes", t.peak_bytes).field("system_allocations", t.system_allocations);
    if (t.loaded > 0) j.field("loaded", t.loaded).field("kept", t.kept);
    j.end();
  }
  return j.end().take();
}

std::string to_text(const std::vector<ModelTiming>& timings) {
  const bool loaded = !timings.empty() && timings.front().loaded > 0;
  std::string out = fmt::format("{:<16} {:>9} {:>9} {:>12} {:>12}", "", "best s", "median s", "peak GiB", "allocations");
  out += loaded ? fmt::format(" {:>9} {:>9}\n", "loaded s", "kept") : "\n";
  for (const ModelTiming& t : timings) {
    out += fmt::format("{:<16} {:>9.3f} {:>9.3f} {:>12.2f} {:>12}", t.name, t.best, t.median, static_cast<double>(t.peak_bytes) / (1 << 30),
                       t.system_allocations);
    out += loaded ? fmt::format(" {:>9.3f} {:>9.2f}\n", t.loaded, t.kept) : "\n";
  }
  if (loaded)
    out +=
        "kept: of the speed that the processors left beside the others allow; above 1 where these got less than their share, or left some "
        "idle\n";
  return out;
}

}  // namespace mr
