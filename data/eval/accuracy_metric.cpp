#include "data/eval/accuracy_metric.h"

#include <algorithm>
#include <cstdio>

#include "base/check.h"
#include "base/json_text.h"

namespace mr {
namespace {

double share(int64_t n, int64_t of) { return static_cast<double>(n) / static_cast<double>(of); }

}  // namespace

AccuracyMetric::AccuracyMetric(std::shared_ptr<const Dataset> dataset) : dataset_(std::move(dataset)) { begin(); }

void AccuracyMetric::begin() { counts_.assign(dataset_->class_names().size(), {}); }

void AccuracyMetric::add(int64_t index, const std::vector<Detection>& found) {
  const std::vector<Instance> objects = dataset_->instances(index);
  if (objects.empty()) return;
  const int label = objects.front().label;
  Counts& c = counts_.at(static_cast<size_t>(label) - 1);
  ++c.images;
  const auto five = found.begin() + std::min<std::ptrdiff_t>(5, std::ssize(found));
  const auto at = std::find_if(found.begin(), five, [label](const Detection& d) { return d.label == label; });
  if (at == five) return;
  ++c.among_five;
  if (at == found.begin()) ++c.first;
}

std::unique_ptr<Judgement> AccuracyMetric::finish() {
  Table table{.title = "accuracy by class", .columns = {"class", "images", "top-1", "top-5"}, .rows = {}, .decimals = 4};
  JsonWriter per_class;
  per_class.object();
  Counts all;
  for (size_t k = 0; k < counts_.size(); ++k) {
    const Counts& c = counts_[k];
    const std::string& name = dataset_->class_names()[k];
    all.images += c.images, all.first += c.first, all.among_five += c.among_five;
    if (c.images == 0) {
      table.rows.push_back({name, c.images, no_value, no_value});
      continue;
    }
    const double top1 = share(c.first, c.images), top5 = share(c.among_five, c.images);
    table.rows.push_back({name, c.images, top1, top5});
    per_class.key(name).object().field("top1", top1).field("top5", top5).field("images", c.images).end();
  }
  check(all.images > 0, "accuracy: no image with an object, whose class would be the image's");
  const double top1 = share(all.first, all.images), top5 = share(all.among_five, all.images);
  table.rows.push_back({std::string("all"), all.images, top1, top5});

  auto j = std::make_unique<Judgement>();
  j->score = top1;
  char text[64];
  std::snprintf(text, sizeof text, "top-1 %.3f, top-5 %.3f", top1, top5);
  j->summary = text;
  j->tables = {std::move(table)};
  j->figures = {{"top1", JsonWriter().value(top1).take()}, {"top5", JsonWriter().value(top5).take()}};
  j->figures.emplace_back("per_class", per_class.end().take());
  return j;
}

}  // namespace mr
