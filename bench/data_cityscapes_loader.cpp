// Images a second that the loader makes of a Cityscapes folder with two workers: whole, and at half
// their size as cityscapes_night holds them; read and decoded, and from a cache.
//
//   bench_data_cityscapes_loader ROOT CACHE [workers]        {"whole": {"uncached": …, "cached": …}, "half": {…}, …}
//
// ROOT: mrcnn dataset draw --format cityscapes; CACHE: a folder that is not there yet. Each figure is
// of three passes over the pictures, the best of three; crops and objects are made as for training.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "base/json_text.h"
#include "data/cache/held.h"
#include "data/cityscapes/dataset.h"
#include "data/loader/loader.h"
#include "data/transforms/transforms.h"

namespace {

using namespace mr;

constexpr int64_t passes = 3, repeats = 3;

double images_a_second(const std::shared_ptr<const Dataset>& data, int64_t workers) {
  TransformOptions crops;
  crops.crop_size = 384, crops.scale_min = 0.75, crops.scale_max = 1.5;
  LoaderOptions options;
  options.batch = 1, options.workers = workers, options.prefetch = 8;
  const auto change = [&crops](Sample& s, uint64_t epoch, int64_t index) { augment(s, crops, 1, epoch, static_cast<uint64_t>(index)); };
  double best = 0;
  for (int64_t k = 0; k < repeats; ++k) {
    const auto begin = std::chrono::steady_clock::now();
    const int64_t images = passes * data->size();
    Loader loader = Loader::endless(data, options, 1, change);
    for (int64_t i = 0; i < images; ++i) loader.next();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, static_cast<double>(images) / seconds);
  }
  return best;
}

void measure(JsonWriter& j, const std::string& key, const std::shared_ptr<const Dataset>& data, int64_t reduce, const std::string& folder,
             int64_t workers) {
  const auto cache = std::make_shared<PictureCache>(folder);
  const auto cached = std::make_shared<HeldPictures>(data, reduce, cache);
  for (int64_t i = 0; i < data->size(); ++i) cached->sample(i);  // fills it
  uint64_t bytes = 0;
  for (int64_t i = 0; i < data->size(); ++i) {
    const ImageInfo info = data->info(i);
    bytes += cache->stored_bytes(cache->entry(info.file, {info.height, info.width}, reduce));
  }
  j.key(key).object();
  j.field("uncached", images_a_second(std::make_shared<HeldPictures>(data, reduce, nullptr), workers));
  j.field("cached", images_a_second(cached, workers));
  j.field("MB an image in the cache", static_cast<double>(bytes) / 1e6 / static_cast<double>(data->size())).end();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s ROOT CACHE [workers]\n", argv[0]);
    return 2;
  }
  try {
    const int64_t workers = argc > 3 ? std::atoi(argv[3]) : 2;
    const auto data = std::make_shared<mr::CityscapesDataset>(argv[1], mr::CityscapesOptions{});
    mr::JsonWriter j;
    j.object();
    measure(j, "whole", data, 1, argv[2], workers);
    measure(j, "half", data, 2, argv[2], workers);
    j.field("workers", workers).field("images", data->size()).end();
    std::printf("%s\n", j.text().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
