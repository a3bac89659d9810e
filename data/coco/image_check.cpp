#include "data/coco/image_check.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>

#include "base/files.h"
#include "data/image/stated_size.h"
#include "data/loader/loader.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// What threads find, in the order of the dataset.
class Findings {
 public:
  void add(int64_t index, const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++count_;
    first_.emplace(index, what);
    if (first_.size() > 3) first_.erase(std::prev(first_.end()));
  }
  ImageFaults take() const {
    ImageFaults f;
    f.count = count_;
    for (const auto& [index, what] : first_) f.first.push_back(what);
    return f;
  }

 private:
  std::mutex mutex_;
  int64_t count_ = 0;
  std::map<int64_t, std::string> first_;
};

}  // namespace

std::string ImageFaults::text(const char* between) const {
  std::string out;
  for (const std::string& one : first) out += (out.empty() ? "" : between) + one;
  return count > static_cast<int64_t>(first.size()) ? out + between + "…" : out;
}

ImageCheck check_images(const Dataset& dataset, double seconds) {
  using Clock = std::chrono::steady_clock;
  const int64_t n = dataset.size();
  ImageCheck out;
  Findings missing, faulty;
  std::atomic<int64_t> files = 0, looked_at = 0;
  parallel_for(n, 64, [&](int64_t i) {
    const std::string file = dataset.info(i).file;
    if (file.empty()) return;
    ++files;
    if (!is_there(file)) missing.add(i, file);
  });
  out.images = files, out.missing = missing.take();
  if (out.images == 0 || out.missing.count > 0 || seconds <= 0) return out;

  const std::vector<int64_t> order = epoch_order(n, 0, 0);  // so that any part of it is spread over the dataset
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  parallel_for(n, 4, [&](int64_t k) {
    if (Clock::now() > end) return;
    const int64_t i = order[static_cast<size_t>(k)];
    const ImageInfo info = dataset.info(i);
    if (info.file.empty()) return;
    ++looked_at;
    try {
      check_image_header(info.file, {info.height, info.width});
    } catch (const ImageError& e) {
      faulty.add(i, e.what());
    }
  });
  out.looked_at = looked_at, out.faulty = faulty.take();
  return out;
}

}  // namespace mr
