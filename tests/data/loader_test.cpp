#include "data/loader/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "data/image/image.h"
#include "tensor/context.h"
#include "tensor/rng.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Sample i is one pixel of colour i; some of them fail.
class Numbers : public Dataset {
 public:
  explicit Numbers(int64_t n) : n_(n) {}
  std::set<int64_t> corrupt, missing, broken;
  bool slow = false;  // finish out of order
  mutable std::atomic<int> loads{0}, threads_seen{0};

  int64_t size() const override { return n_; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {1}; }
  ImageInfo info(int64_t i) const override { return {100 + i, 10, i % 3 == 0 ? 5 : 20, str(i, ".png")}; }
  std::vector<Instance> instances(int64_t) const override { return {}; }
  Sample sample(int64_t i) const override {
    ++loads;
    threads_seen = context().threads;
    if (slow) std::this_thread::sleep_for(std::chrono::microseconds(mix64(static_cast<uint64_t>(i)) % 500));
    if (corrupt.count(i)) throw ImageError(ImageFault::corrupt, str(i, ".png"), "corrupt: made so");
    if (missing.count(i)) throw ImageError(ImageFault::cannot_open, str(i, ".png"), "cannot be read: missing");
    if (broken.count(i)) throw std::runtime_error("something else");
    Sample s;
    s.info = info(i);
    s.image = Image(1, 1);
    s.image.rgb[0] = static_cast<uint8_t>(i);
    return s;
  }

 private:
  int64_t n_;
  std::vector<std::string> names_{"thing"};
};

LoaderOptions options(int64_t batch, int64_t workers) {
  LoaderOptions o;
  o.batch = batch;
  o.workers = workers;
  o.prefetch = 3;
  return o;
}

// Marks each sample with what a random transform would draw.
void mark(Sample& s, uint64_t epoch, int64_t index) {
  s.image.rgb[1] = static_cast<uint8_t>(Rng(9, "mark", epoch, static_cast<uint64_t>(index)).next());
}

// Everything that a run of batches shows.
std::vector<int64_t> trace(Loader& loader, int batches) {
  std::vector<int64_t> out;
  for (int b = 0; b < batches; ++b) {
    const auto batch = loader.next();
    if (!batch) break;
    out.push_back(-batch->number);
    out.push_back(-batch->epoch);
    for (size_t i = 0; i < batch->samples.size(); ++i) {
      const auto& rgb = batch->samples[i].image.rgb;
      REQUIRE(batch->indices[i] == rgb[0]);
      out.push_back(rgb[0]);
      out.push_back(rgb[1]);
    }
    for (const SkippedSample& s : batch->skipped) out.push_back(1000 + s.index);
  }
  return out;
}

std::string error_of(Loader& loader) {
  try {
    loader.next();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::vector<int64_t> run(const std::shared_ptr<Numbers>& data, const LoaderOptions& o, int batches, int64_t first = 0) {
  Loader loader = Loader::endless(data, o, 7, mark, first);
  return trace(loader, batches);
}

}  // namespace

TEST_CASE("the order of an epoch is a permutation that depends on the seed and the epoch", "[loader]") {
  const auto a = epoch_order(50, 1, 0), b = epoch_order(50, 1, 1), c = epoch_order(50, 2, 0);
  CHECK(a == epoch_order(50, 1, 0));
  CHECK(a != b);
  CHECK(a != c);
  auto sorted = a;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < 50; ++i) CHECK(sorted[static_cast<size_t>(i)] == i);
  CHECK(epoch_order(0, 1, 0).empty());
  // Every index comes first about equally often.
  std::vector<int> first(5);
  for (uint64_t epoch = 0; epoch < 5000; ++epoch) ++first[static_cast<size_t>(epoch_order(5, 3, epoch)[0])];
  for (const int count : first) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("every epoch has every sample once, whatever the batch", "[loader]") {
  for (const int64_t batch : {1, 3, 7, 16}) {
    const auto data = std::make_shared<Numbers>(7);
    Loader loader = Loader::endless(data, options(batch, 2), 1);
    std::vector<int64_t> stream;
    while (stream.size() < 70) {
      const auto b = loader.next();
      REQUIRE(b->samples.size() == static_cast<size_t>(batch));
      CHECK(b->epoch == static_cast<int64_t>(stream.size()) / 7);
      stream.insert(stream.end(), b->indices.begin(), b->indices.end());
    }
    for (size_t epoch = 0; epoch < 10; ++epoch)
      CHECK(std::set<int64_t>(stream.begin() + static_cast<ptrdiff_t>(7 * epoch), stream.begin() + static_cast<ptrdiff_t>(7 * epoch + 7))
                .size() == 7);
  }
}

TEST_CASE("the number of workers changes nothing, nor does where the run began", "[loader]") {
  const auto data = std::make_shared<Numbers>(41);
  data->slow = true;
  data->corrupt = {3, 4, 5, 17};
  for (const bool groups : {false, true}) {
    LoaderOptions o = options(4, 0);
    o.corrupt = CorruptImages::skip;
    o.group_by_aspect = groups;
    const auto whole = run(data, o, 30);
    for (const int64_t workers : {1, 2, 8}) {
      o.workers = workers;
      o.prefetch = 1 + workers % 3;
      CHECK(run(data, o, 30) == whole);
      const auto tail = run(data, o, 30 - 13, 13);
      std::vector<int64_t> head = run(data, o, 13);
      head.insert(head.end(), tail.begin(), tail.end());
      CHECK(head == whole);
    }
  }
}

TEST_CASE("workers run single-threaded", "[loader]") {
  const auto data = std::make_shared<Numbers>(4);
  Loader loader = Loader::endless(data, options(2, 2), 1);
  loader.next();
  CHECK(data->threads_seen == 1);
}

namespace {

// Numbers, some of which fail.
std::shared_ptr<Numbers> failing(std::set<int64_t> corrupt, std::set<int64_t> missing = {}, std::set<int64_t> broken = {}) {
  const auto data = std::make_shared<Numbers>(6);
  data->corrupt = std::move(corrupt);
  data->missing = std::move(missing);
  data->broken = std::move(broken);
  return data;
}

}  // namespace

TEST_CASE("a corrupt image stops the run, or the next in order takes its place", "[loader]") {
  for (const int64_t workers : {0, 3}) {
    LoaderOptions o = options(6, workers);
    Loader stopping = Loader::endless(failing({2}), o, 1);
    const std::string what = "loader: sample 2 (image 102, '2.png'): image '2.png': corrupt: made so";
    CHECK(error_of(stopping) == what);
    CHECK(error_of(stopping) == what);  // and does not go on

    o.corrupt = CorruptImages::skip;
    const auto order = epoch_order(6, 1, 0);
    const size_t at = static_cast<size_t>(std::find(order.begin(), order.end(), 2) - order.begin());
    auto expected = order;
    expected[at] = order[(at + 1) % 6];
    Loader skipping = Loader::endless(failing({2}), o, 1);
    const auto batch = skipping.next();
    CHECK(batch->indices == expected);
    REQUIRE(batch->skipped.size() == 1);
    CHECK(batch->skipped[0].index == 2);
    CHECK(batch->skipped[0].why.find("2.png") != std::string::npos);

    Loader gone = Loader::endless(failing({2}, {4}), o, 1);
    CHECK(error_of(gone) == "loader: sample 4 (image 104, '4.png'): image '4.png': cannot be read: missing");
    Loader broken = Loader::endless(failing({}, {}, {5}), o, 1);
    CHECK(error_of(broken) == "loader: sample 5 (image 105, '5.png'): something else");
    Loader hopeless = Loader::endless(failing({0, 1, 2, 3, 4, 5}), o, 1);
    CHECK_THROWS_WITH(hopeless.next(), Contains("no image of the dataset can be decoded"));
  }
}

TEST_CASE("of several failing samples the first in the batch is named, every time", "[loader]") {
  const auto data = std::make_shared<Numbers>(30);
  data->slow = true;
  for (int64_t i = 0; i < 30; i += 2) data->broken.insert(i);
  std::string first;
  for (int repeat = 0; repeat < 8; ++repeat) {
    Loader loader = Loader::endless(data, options(30, 4), 5);
    const std::string what = error_of(loader);
    if (repeat == 0) first = what;
    CHECK(!what.empty());
    CHECK(what == first);
  }
}

TEST_CASE("a single pass gives each sample once, in order, and leaves out what it skips", "[loader]") {
  for (const int64_t workers : {0, 2}) {
    LoaderOptions o = options(4, workers);
    Loader loader = Loader::single_pass(std::make_shared<Numbers>(10), o);
    std::vector<int64_t> seen;
    std::vector<size_t> sizes;
    while (auto batch = loader.next()) {
      seen.insert(seen.end(), batch->indices.begin(), batch->indices.end());
      sizes.push_back(batch->samples.size());
    }
    CHECK(seen == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(sizes == std::vector<size_t>{4, 4, 2});
    CHECK(!loader.next());
    const auto data = std::make_shared<Numbers>(10);
    data->corrupt = {4, 5, 6, 7};
    o.corrupt = CorruptImages::skip;
    Loader skipping = Loader::single_pass(data, o);
    CHECK(skipping.next()->samples.size() == 4);
    const auto empty = skipping.next();
    CHECK(empty->samples.empty());
    CHECK(empty->skipped.size() == 4);
    CHECK(skipping.next()->indices == std::vector<int64_t>{8, 9});
    Loader nothing = Loader::single_pass(std::make_shared<Numbers>(0), o);
    CHECK(!nothing.next());
  }
}

TEST_CASE("aspect groups share batches as far as the numbers allow", "[loader]") {
  const auto data = std::make_shared<Numbers>(50);  // a third is tall
  LoaderOptions o = options(4, 2);
  o.group_by_aspect = true;
  Loader loader = Loader::endless(data, o, 3);
  std::vector<int> seen(50);
  int mixed = 0;
  for (int b = 0; b < 25; ++b) {  // two epochs
    const auto batch = loader.next();
    int tall = 0;
    for (const int64_t i : batch->indices) {
      ++seen[static_cast<size_t>(i)];
      tall += i % 3 == 0;
    }
    mixed += tall != 0 && tall != 4;
  }
  CHECK(mixed <= 4);  // at most two an epoch
  CHECK(std::count(seen.begin(), seen.end(), 2) == 50);
}

TEST_CASE("a loader may go at any moment, and holds no more than it was told to", "[loader]") {
  const auto data = std::make_shared<Numbers>(64);
  data->slow = true;
  for (int taken = 0; taken < 5; ++taken) {
    Loader loader = Loader::endless(data, options(3, 4), 1);
    for (int b = 0; b < taken; ++b) loader.next();
  }
  data->slow = false;
  data->loads = 0;
  {
    Loader loader = Loader::endless(data, options(5, 4), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(data->loads <= 15);  // prefetch 3 of 5
    loader.next();
    CHECK(loader.next_number() == 1);
  }
  Loader a = Loader::endless(data, options(2, 2), 1);
  Loader b = std::move(a);
  b.next();
  b = Loader::endless(data, options(2, 2), 1);
  CHECK(b.next_number() == 0);
}

namespace {

// The first sample waits for the test to let it go.
class Stuck : public Numbers {
 public:
  Stuck() : Numbers(4) {}
  Sample sample(int64_t i) const override {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return free_; });
    done_ = true;
    wake_.notify_all();
    return Numbers::sample(i);
  }
  void let_go() {
    std::unique_lock lock(mutex_);
    free_ = true;
    wake_.notify_all();
    wake_.wait(lock, [this] { return done_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable wake_;
  bool free_ = false;
  mutable bool done_ = false;
};

}  // namespace

TEST_CASE("a sample that never comes is an error, not a hang", "[loader]") {
  const auto data = std::make_shared<Stuck>();
  LoaderOptions o = options(1, 1);
  o.timeout = 0.05;
  {
    Loader loader = Loader::endless(data, o, 1);
    CHECK_THROWS_WITH(loader.next(), Contains("still loading after 0.05 s"));
  }
  data->let_go();
}

TEST_CASE("loader options out of range are named", "[loader]") {
  const auto data = std::make_shared<Numbers>(3);
  const auto with = [&](auto change) {
    LoaderOptions o;
    change(o);
    Loader::endless(data, o, 1);
  };
  CHECK_THROWS_WITH(with([](LoaderOptions& o) { o.batch = 0; }), Contains("batch must be in [1, 65536], got 0"));
  CHECK_THROWS_WITH(with([](LoaderOptions& o) { o.workers = -1; }), Contains("workers must be in [0, 1024], got -1"));
  CHECK_THROWS_WITH(with([](LoaderOptions& o) { o.prefetch = 0; }), Contains("prefetch must be in [1, 1024], got 0"));
  CHECK_THROWS_WITH(Loader::endless(std::make_shared<Numbers>(0), {}, 1), Contains("at least one sample"));
  CHECK_THROWS_WITH(Loader::endless(data, {}, 1, {}, -1), Contains("at least 0, got -1"));
}

TEST_CASE("the parts of a batch are together the batch, by any number of workers and from any batch on", "[loader]") {
  const auto data = std::make_shared<Numbers>(11);
  data->slow = true;
  data->corrupt = {4};
  for (const bool by_aspect : {false, true}) {
    LoaderOptions o = options(6, 0);
    o.group_by_aspect = by_aspect;
    o.corrupt = CorruptImages::skip;
    Loader whole = Loader::endless(data, o, 7, mark, 3);
    std::vector<Loader> parts;
    for (o.part = 0, o.parts = 3; o.part < 3; ++o.part) {
      o.workers = 2 * o.part;
      parts.push_back(Loader::endless(data, o, 7, mark, 3));
    }
    for (int64_t k = 3; k < 9; ++k) {
      const auto want = whole.next();
      std::vector<int64_t> indices;
      std::vector<uint8_t> marks, want_marks;
      for (Loader& part : parts) {
        const auto got = part.next();
        CHECK(got->number == k);
        CHECK(got->epoch == want->epoch);
        CHECK(got->samples.size() == 2);
        indices.insert(indices.end(), got->indices.begin(), got->indices.end());
        for (const Sample& s : got->samples) marks.push_back(s.image.rgb[1]);
      }
      for (const Sample& s : want->samples) want_marks.push_back(s.image.rgb[1]);
      CHECK(indices == want->indices);
      CHECK(marks == want_marks);
    }
  }
  LoaderOptions o = options(6, 0);
  o.parts = 4;
  CHECK_THROWS_WITH(Loader::endless(data, o, 7), Contains("expected one of equal parts of 6 images, got part 0 of 4"));
  o.parts = o.part = 2;
  CHECK_THROWS_WITH(Loader::endless(data, o, 7), Contains("got part 2 of 2"));
}
