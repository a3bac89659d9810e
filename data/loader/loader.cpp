#include "data/loader/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "data/image/image.h"
#include "data/transforms/input.h"
#include "tensor/context.h"

namespace mr {

void LoaderOptions::validate() const {
  check(batch >= 1 && batch <= 65536, "loader: batch must be in [1, 65536], got ", batch);
  check(workers >= 0 && workers <= 1024, "loader: workers must be in [0, 1024], got ", workers);
  check(prefetch >= 1 && prefetch <= 1024, "loader: prefetch must be in [1, 1024], got ", prefetch);
  check(parts >= 1 && 0 <= part && part < parts && batch % parts == 0, "loader: expected one of equal parts of ", batch,
        " images, got part ", part, " of ", parts);
  check(timeout >= 0, "loader: timeout must be at least 0, got ", timeout);
}

namespace {

using Clock = std::chrono::steady_clock;

template <class Item> struct Loaded {
  bool present = false;  // false: left out of a single pass
  Item sample;
  int64_t index = 0;
  std::vector<SkippedSample> skipped;
  std::exception_ptr error;
};

// A batch in the making; the batch k lies in slot k % prefetch.
template <class Item> struct Slot {
  std::vector<Loaded<Item>> samples;
  int64_t missing = 0;
};

}  // namespace

// Shared by the Loader and its threads, so that a thread stuck in a sample can be left behind.
template <class Item> struct LoaderOf<Item>::State {
  std::shared_ptr<const Dataset> dataset;
  LoaderOptions options;
  uint64_t seed = 0;
  Transform transform;
  bool single = false;
  int64_t size = 0;
  int64_t end = INT64_MAX;  // of this loader's samples
  std::vector<uint8_t> groups;

  std::mutex mutex;
  std::condition_variable room, ready;  // for workers; for the consumer
  std::vector<Slot<Item>> slots;
  int64_t claimed = 0;  // samples given to workers
  int64_t number = 0;   // next batch to hand out
  bool stop = false;
  std::map<int64_t, std::shared_ptr<const std::vector<int64_t>>> orders;  // by epoch
  std::vector<Clock::time_point> started;                                 // by worker: when it began its sample; max: idle
  std::vector<int64_t> loading;                                           // by worker: place in the stream
  std::vector<std::thread> threads;
  bool stuck = false;

  // This loader's samples are numbered from 0; `each` of them belong to a batch.
  int64_t each() const { return options.batch / options.parts; }
  int64_t batch_begin(int64_t k) const { return std::min(k * each(), end); }
  int64_t batch_size(int64_t k) const { return batch_begin(k + 1) - batch_begin(k); }
  int64_t place(int64_t sample) const {
    return sample / each() * options.batch + options.part * each() + sample % each();
  }  // in the stream

  std::shared_ptr<const std::vector<int64_t>> make_order(int64_t epoch) const {
    std::vector<int64_t> order;
    if (options.shuffle) {
      order = epoch_order(size, seed, static_cast<uint64_t>(epoch));
    } else {
      for (int64_t i = 0; i < size; ++i) order.push_back(i);
    }
    if (!groups.empty()) {
      const int64_t taken = epoch * size % options.batch, begun = taken == 0 ? 0 : options.batch - taken;
      order = grouped_order(order, groups, begun, options.batch);
    }
    return std::make_shared<const std::vector<int64_t>>(std::move(order));
  }

  // mutex held
  std::shared_ptr<const std::vector<int64_t>> order_of(int64_t epoch) {
    while (!orders.empty() && orders.begin()->first < place(batch_begin(number)) / size) orders.erase(orders.begin());
    auto& order = orders[epoch];
    if (!order) order = make_order(epoch);
    return order;
  }

  std::string describe(int64_t index) const {
    const ImageInfo info = dataset->info(index);
    std::string text = str("sample ", index, " (image ", info.image_id);
    if (!info.file.empty()) text += str(", '", info.file, "'");
    return text + ")";
  }

  // Place `at` of the stream; with `skip` the next places of its epoch stand in for images that cannot be decoded.
  Loaded<Item> load(int64_t at, const std::vector<int64_t>& order) const {
    Loaded<Item> out;
    const int64_t epoch = at / size;
    for (int64_t tried = 0; tried < size; ++tried) {
      out.index = order[static_cast<size_t>((at + tried) % size)];
      try {
        out.sample = Item{dataset->sample(out.index)};
        if (transform) transform(out.sample, static_cast<uint64_t>(epoch), out.index);
        out.present = true;
        return out;
      } catch (const ImageError& e) {
        if (options.corrupt == CorruptImages::stop || e.fault == ImageFault::cannot_open) throw_named(out.index, e.what());
        out.skipped.push_back({out.index, e.what()});
        if (single) return out;
      } catch (const std::exception& e) {
        throw_named(out.index, e.what());
      }
    }
    fail("loader: no image of the dataset can be decoded; the first: ", out.skipped.front().why);
  }

  [[noreturn]] void throw_named(int64_t index, const char* what) const { fail("loader: ", describe(index), ": ", what); }

  void work(size_t worker) {
    context().threads = 1;
    std::unique_lock lock(mutex);
    for (;;) {
      room.wait(lock, [&] { return stop || claimed < std::min(end, batch_begin(number + options.prefetch)); });
      if (stop) return;
      const int64_t sample = claimed++, at = place(sample);
      loading[worker] = at;
      started[worker] = Clock::now();
      Loaded<Item> loaded;
      try {
        const auto order = order_of(at / size);
        lock.unlock();
        loaded = load(at, *order);
      } catch (...) {
        loaded.error = std::current_exception();
      }
      if (!lock.owns_lock()) lock.lock();
      started[worker] = Clock::time_point::max();
      Slot<Item>& slot = slots[static_cast<size_t>(sample / each() % options.prefetch)];
      slot.samples[static_cast<size_t>(sample % each())] = std::move(loaded);
      if (--slot.missing == 0) ready.notify_one();
    }
  }

  void prepare_slot(int64_t k) {
    Slot<Item>& slot = slots[static_cast<size_t>(k % options.prefetch)];
    slot.missing = batch_size(k);
    slot.samples.clear();
    slot.samples.resize(static_cast<size_t>(slot.missing));
  }

  void start(int64_t first_batch) {
    number = first_batch;
    claimed = batch_begin(first_batch);
    slots.resize(static_cast<size_t>(options.prefetch));
    for (int64_t k = number; k < number + options.prefetch; ++k) prepare_slot(k);
    started.assign(static_cast<size_t>(options.workers), Clock::time_point::max());
    loading.assign(static_cast<size_t>(options.workers), 0);
  }

  // Waits for the batch `number`. mutex held through `lock`.
  void wait_ready(std::unique_lock<std::mutex>& lock) {
    const auto done = [&] { return slots[static_cast<size_t>(number % options.prefetch)].missing == 0; };
    if (options.timeout <= 0) return ready.wait(lock, done);
    const auto limit = std::chrono::duration<double>(options.timeout);
    while (!ready.wait_for(lock, std::min<std::chrono::duration<double>>(limit, std::chrono::seconds(1)), done)) {
      for (size_t w = 0; w < started.size(); ++w) {
        if (started[w] == Clock::time_point::max() || Clock::now() - started[w] < limit) continue;
        stuck = true;
        const int64_t at = loading[w], index = (*order_of(at / size))[static_cast<size_t>(at % size)];
        fail("loader: ", describe(index), ": still loading after ", options.timeout, " s");
      }
    }
  }

  // One after the other, in the caller's thread.
  std::vector<Loaded<Item>> load_here() {
    std::vector<Loaded<Item>> loaded;
    for (int64_t i = batch_begin(number); i < batch_begin(number + 1); ++i) loaded.push_back(load(place(i), *order_of(place(i) / size)));
    ++number;
    return loaded;
  }

  std::vector<Loaded<Item>> take_loaded() {
    std::unique_lock lock(mutex);
    wait_ready(lock);
    Slot<Item>& slot = slots[static_cast<size_t>(number % options.prefetch)];
    for (const Loaded<Item>& l : slot.samples)
      if (l.error) std::rethrow_exception(l.error);  // and again at the next call: the slot stays
    std::vector<Loaded<Item>> loaded = std::move(slot.samples);
    prepare_slot(number + options.prefetch);
    ++number;
    lock.unlock();
    room.notify_all();
    return loaded;
  }

  static void launch(const std::shared_ptr<State>& s) {
    try {
      for (size_t w = 0; w < s->started.size(); ++w) s->threads.emplace_back([s, w] { s->work(w); });
    } catch (...) {
      s->shut_down();
      throw;
    }
  }

  void shut_down() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    room.notify_all();
    for (std::thread& t : threads)
      if (stuck)
        t.detach();
      else
        t.join();
  }
};

template <class Item> LoaderOf<Item>::LoaderOf(std::shared_ptr<State> state) : state_(std::move(state)) { State::launch(state_); }
template <class Item> LoaderOf<Item>::LoaderOf(LoaderOf&&) noexcept = default;

template <class Item> LoaderOf<Item>& LoaderOf<Item>::operator=(LoaderOf&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

template <class Item> LoaderOf<Item>::~LoaderOf() {
  if (state_) state_->shut_down();
}

namespace {

// Shared by both kinds; `shuffle` and groups only where endless.
void check_inputs(const std::shared_ptr<const Dataset>& dataset, const LoaderOptions& options, int64_t first_batch) {
  options.validate();
  check(dataset != nullptr, "loader: expected a dataset");
  check(first_batch >= 0 && first_batch <= INT64_MAX / options.batch / 2, "loader: the first batch must be at least 0, got ", first_batch);
}

}  // namespace

template <class Item> LoaderOf<Item> LoaderOf<Item>::endless(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options,
                                                             uint64_t seed, Transform transform, int64_t first_batch) {
  check_inputs(dataset, options, first_batch);
  check(dataset->size() > 0, "loader: expected a dataset with at least one sample");
  auto s = std::make_shared<State>();
  s->size = dataset->size();
  dataset.swap(s->dataset);
  s->options = options;
  s->seed = seed;
  s->transform = std::move(transform);
  if (options.group_by_aspect)
    for (int64_t i = 0; i < s->size; ++i) {
      const ImageInfo info = s->dataset->info(i);
      s->groups.push_back(info.width > info.height);
    }
  s->start(first_batch);
  return LoaderOf(std::move(s));
}

template <class Item>
LoaderOf<Item> LoaderOf<Item>::single_pass(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options, Transform transform) {
  check_inputs(dataset, options, 0);
  check(options.parts == 1, "loader: a single pass has one part, got ", options.parts);
  auto s = std::make_shared<State>();
  s->size = s->end = dataset->size();
  s->single = true;
  dataset.swap(s->dataset);
  s->options = options;
  s->options.shuffle = false;
  s->transform = std::move(transform);
  s->start(0);
  return LoaderOf(std::move(s));
}

template <class Item> int64_t LoaderOf<Item>::next_number() const { return state_->number; }

template <class Item> std::optional<BatchOf<Item>> LoaderOf<Item>::next() {
  State& s = *state_;
  if (s.batch_size(s.number) == 0) return {};
  BatchOf<Item> batch;
  batch.number = s.number;
  batch.epoch = s.number * s.options.batch / s.size;
  for (Loaded<Item>& l : s.threads.empty() ? s.load_here() : s.take_loaded()) {
    std::move(l.skipped.begin(), l.skipped.end(), std::back_inserter(batch.skipped));
    if (!l.present) continue;
    batch.samples.push_back(std::move(l.sample));
    batch.indices.push_back(l.index);
  }
  return batch;
}

template class LoaderOf<Sample>;
template class LoaderOf<InputSample>;

}  // namespace mr
