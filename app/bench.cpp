#include <iostream>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/options.h"
#include "bench/timings/model.h"
#include "bench/timings/ops.h"
#include "bench/timings/stages.h"
#include "tensor/context.h"
#include "train/detector.h"

namespace mr::app {
namespace {

void add_model(CLI::App& bench) {
  struct Arguments {
    BenchModelOptions options;
    std::string recipe = "coco_r50_fpn_torchvision", device;
    std::vector<std::string> assignments;
    bool json = false, stages = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = bench.add_subcommand("model", "Times prediction and a training step of a recipe's model on a synthetic image");
  c->add_option("--recipe", a->recipe, "a shipped name or a TOML file")->capture_default_str();
  add_set(*c, a->assignments, "train.threads=2");
  c->add_option("--weights", a->options.weights, "instead of random ones");
  c->add_option("--height", a->options.height, "of the image")->capture_default_str();
  c->add_option("--width", a->options.width, "of the image")->capture_default_str();
  c->add_option("--batch", a->options.batch, "images")->capture_default_str();
  c->add_option("--objects", a->options.objects, "an image, in training")->capture_default_str();
  c->add_option("--repeats", a->options.repeats, "after two runs that do not count")->capture_default_str();
  c->add_option("--loaded", a->options.loaded,
                "processes that compute beside every second repeat; kept: of the speed that the processors left allow")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  c->add_option("--filter", a->options.filter, "only those: f32, bf16, tf32 (a GPU), inference, train, f32.train, ...");
  c->add_flag(
      "--stages", a->stages,
      "where the time goes, in the recipe's precision: trunk, pyramid, RPN, proposals, RoI features, heads, NMS, pasting; and what the "
      "mask branch adds");
  add_device(*c, a->device);
  c->add_flag("--json", a->json, "{\"f32.inference\": {\"seconds\": best, \"median\": ..., \"peak_bytes\": ...}, \"f32.train\": ...}");
  c->callback([a] {
    Recipe recipe = load_recipe(a->recipe, a->assignments);
    a->options.device = device_of(a->device);
    if (const auto note = use_context_of(recipe, a->options.device)) std::cerr << "mrcnn: " << *note << "\n";
    if (a->stages) {
      check_usage(a->options.loaded == 0 && a->options.filter.empty(), "bench: --stages goes with neither --loaded nor --filter");
      const StageTimings stages = bench_stages(recipe, a->options);
      std::cout << (a->json ? to_json(stages) + "\n" : to_text(stages));
      return;
    }
    const std::vector<ModelTiming> timings = bench_model(recipe, a->options);
    std::cout << (a->json ? to_json(timings) + "\n" : to_text(timings));
  });
}

void add_ops(CLI::App& bench) {
  struct Arguments {
    std::string filter, device;
    int64_t repeats = 5, threads = 0;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c = bench.add_subcommand("ops", "Times operators, and names the rung each convolution runs on");
  c->add_option("--filter", a->filter, "only those whose name contains it: conv, 3x3, roi_align, forward, ...");
  c->add_option("--repeats", a->repeats, "after one that does not count")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  c->add_option("--threads", a->threads, "of the CPU; 0: one a processor")->check(CLI::Range(0, 1024))->capture_default_str();
  add_device(*c, a->device);
  c->add_flag("--json", a->json, "[{\"name\", \"rung\", \"seconds\", \"gflops\"}, ...]");
  c->footer("MR_CONV=reference|im2col|winograd|... in the environment forces a rung.");
  c->callback([a] {
    context().threads = static_cast<int>(a->threads);
    const std::vector<OpTiming> timings = bench_ops(a->filter, a->repeats, device_of(a->device));
    std::cout << (a->json ? to_json(timings) + "\n" : to_text(timings));
  });
}

}  // namespace

void add_bench(CLI::App& program) {
  CLI::App* c = program.add_subcommand("bench", "Times operators and models on this machine");
  c->require_subcommand(1);
  add_ops(*c);
  add_model(*c);
}

}  // namespace mr::app
