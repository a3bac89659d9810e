// Batches of samples, loaded ahead by worker threads.
//
// The order is a pure function of (seed, epoch): each epoch is a keyed permutation of the dataset, and the epochs follow each other in one
// stream of samples. Batch k holds the samples [k·B, (k + 1)·B) of the stream, so that every batch has B samples and every epoch every
// sample once, also where B does not divide the size of the dataset. A batch is a pure function of k: the number of workers, their
// speed and where the run began change nothing, and a run resumed at batch k sees what an unbroken one would have seen.
//
// Where several processes train together (tensor/process_group.h), each loads one of `parts` equal parts of every batch: the
// batches of part 0, 1, … one behind the other are those of a loader of one part.
//
// Workers run single-threaded (context().threads = 1). At most `prefetch` batches are held. Without workers the caller's thread loads.
// An exception in a worker is thrown by the `next` that would have returned its batch, naming the sample; of several the first in the
// batch. A Loader may be destroyed at any moment: it waits only for the samples being loaded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "data/dataset.h"

namespace mr {

// What to do with an image that cannot be decoded (any ImageError but cannot_open: a missing file is a mistake of the whole set-up).
enum class CorruptImages : uint8_t {
  stop,
  skip,  // its place is taken by the next sample of the epoch's order; in a single pass it is left out
};

struct LoaderOptions {
  int64_t batch = 2;
  int64_t workers = 2;
  int64_t prefetch = 4;
  bool shuffle = true;
  bool group_by_aspect = false;
  int64_t part = 0, parts = 1;  // of each batch: images [part·batch/parts, (part + 1)·batch/parts)
  CorruptImages corrupt = CorruptImages::stop;
  double timeout = 600;

  void visit(Fields& f) {
    f.field("batch", batch, "images a batch");
    f.field("workers", workers, "loader threads; 0: the training thread loads; never changes the result");
    f.field("prefetch", prefetch, "batches loaded ahead");
    f.field("shuffle", shuffle, "a new order each epoch");
    f.field("group_by_aspect", group_by_aspect, "wide and tall images in different batches, so that less is padded");
    f.choice("corrupt", corrupt, {"stop", "skip"}, "an image that cannot be decoded ends the run, or is replaced by the next one");
    f.field("timeout", timeout, "seconds after which a sample that is still loading ends the run; 0: never");
  }
  void validate() const;
};

struct SkippedSample {
  int64_t index = 0;
  std::string why;  // names the file
};

// Item: what is made of a sample by the thread that loads it.
template <class Item> struct BatchOf {
  int64_t number = 0;  // k: of the whole run
  int64_t epoch = 0;   // of the first sample of batch k
  std::vector<Item> samples;
  std::vector<int64_t> indices;        // in the dataset, of each sample
  std::vector<SkippedSample> skipped;  // to be logged by the caller: the same in every run
};

// Applied to each sample by the thread that loads it; a pure function of its arguments.
template <class Item> using TransformOf = std::function<void(Item& sample, uint64_t epoch, int64_t index)>;

// The order of one epoch. With aspect groups (0 tall or square, 1 wide; one a sample) the batches of `batch` samples are of one group as far as the numbers
// allow; `begun` samples of the epoch complete a batch of the epoch before.
std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, uint64_t epoch);
std::vector<int64_t> grouped_order(const std::vector<int64_t>& order, const std::vector<uint8_t>& group, int64_t begun, int64_t batch);

// Item: Sample, or InputSample (data/transforms/input.h).
template <class Item> class LoaderOf {
 public:
  using Transform = TransformOf<Item>;
  // The stream from batch `first_batch` on. (Training.)
  static LoaderOf endless(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options, uint64_t seed, Transform transform = {},
                          int64_t first_batch = 0);
  // One pass over the dataset in its own order; the last batch may be smaller. (Evaluation. `shuffle` and groups are ignored.)
  static LoaderOf single_pass(std::shared_ptr<const Dataset> dataset, const LoaderOptions& options, Transform transform = {});
  ~LoaderOf();
  LoaderOf(LoaderOf&&) noexcept;
  LoaderOf& operator=(LoaderOf&&) noexcept;

  std::optional<BatchOf<Item>> next();  // nothing where the single pass is over
  int64_t next_number() const;          // of the batch that the next call returns: what a checkpoint stores

 private:
  struct State;
  explicit LoaderOf(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

using Loader = LoaderOf<Sample>;

}  // namespace mr
