// What is in a weights file, for `mrcnn weights show` and `mrcnn weights convert`.
#pragma once

#include <string>
#include <vector>

#include "models/weights/weight_file.h"

namespace mr {

struct TensorSummary {
  std::string name;
  FileType type = FileType::f32;
  FileShape shape;
  double mean = 0, deviation = 0;  // of the values, in f64; the deviation divides by their number
  int64_t not_finite = 0;          // NaN and infinities: left out of mean and deviation
};

TensorSummary summarise(const NamedTensor& t);  // reads the values, and so checks them where the file has checksums

std::string show_text(const WeightFile& file);  // metadata, then a line a tensor, then the totals
// {"path": …, "metadata": {…}, "tensors": [{"name", "dtype", "shape", "mean", "std",
// "not_finite"}, …], "parameters": N}
std::string show_json(const WeightFile& file);

// Any readable weights file to safetensors: same names, types and metadata.
// Errors: `to` does not end in .safetensors.
void convert_weights(const std::string& from, const std::string& to);

}  // namespace mr
