// The folder of a run, which one training at a time has for itself:
//
//   recipe.toml  metrics.jsonl  best.safetensors  last.safetensors  checkpoints/  .lock (base/file_lock.h)  .saved
//   events.out.tfevents.*  for TensorBoard, one each time the run is started or resumed (train/event_file.h)
//
// Each of the first row is whole or not there, and a run may be killed between any two of them. So whatever a folder holds of them is a run,
// which --resume goes on with: from its newest checkpoint, or from the beginning where it has not saved one yet. Where it has, and its
// checkpoints are gone, to begin again would write over what it learnt: that is an error. Whether it has, .saved tells, an empty file made
// after the first checkpoint; and a folder of a run is without checkpoints/ only where somebody took it away.
#pragma once

#include <functional>
#include <string>

#include "base/file_lock.h"

namespace mr {

class RunFolder {
 public:
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  // Makes the folder where it is not there, takes its lock and removes temporary files that killed runs left.
  // Errors: another training has the lock (it is named); without `resume`, a folder that holds a run; with it, one that is not there, or
  // holds other things and no run, or a run whose checkpoints are gone; one that may not be read or written.
  // A training that ends before it has left anything of a run there takes away what this has made.
  RunFolder(const std::string& path, bool resume, const std::function<void(const std::string&)>& warn);

 private:
  std::string path_;
  bool is_new_;  // there was no such folder
  FileLock lock_;
};

bool has_checkpoint(const std::string& folder);

// Called after a checkpoint of the run was written.
void note_saved(const std::string& folder);

}  // namespace mr
