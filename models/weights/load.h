// Weights files into a model's parameters, and back.
//
//   const LoadReport report = load_weights(parameters, open_weights("maskrcnn_resnet50_fpn.pth"));
//   save_weights(parameters, "best.safetensors", {{"recipe", "…"}});
//
// By name. Files hold torchvision's names and layouts (FileLayout in models/parameters.h); F16, BF16 and F64 become f32.
// Understood besides the model's own names:
//   * "module." before every name (DataParallel);
//   * a plain ResNet (conv1.weight, layer1.…): its names get "backbone.body." and its classifier fc.* is left out;
//   * torchvision's older forms: backbone.fpn.inner_blocks.0.weight, rpn.head.conv.weight, roi_heads.mask_head.mask_fcn1.weight.
// num_batches_tracked, which nothing here uses, is passed over.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/parameters.h"
#include "models/weights/weight_file.h"

namespace mr {

struct LoadOptions {
  bool skip_mismatch = false;  // tensors of another shape (other class counts) keep the model's values
  std::string advice = {};     // what an error about such tensors ends with: how the caller's user asks for skip_mismatch
  bool allow_missing = false;  // parameters that the file does not hold keep the model's values
  std::string prefix = {};     // put before every name of the file
};

struct Mismatch {
  std::string name;
  FileShape file, model;  // both as they lie in files
};

struct LoadReport {
  std::vector<std::string> loaded;   // parameters that got their values
  std::vector<std::string> missing;  // parameters that the file does not hold
  std::vector<std::string> unused;   // tensors of the file that fit no parameter, by their names there
  std::vector<std::string> ignored;  // tensors that are known to be of no use
  std::vector<Mismatch> mismatched;
};

// Errors: missing parameters; shapes that differ (with the table of all of them); an integer type; a NaN or infinite value; two tensors
// for one parameter; no tensor that fits. All is read and checked before the first value is changed.
LoadReport load_weights(Parameters& parameters, const WeightFile& file, const LoadOptions& options = {});

std::string mismatch_table(const std::vector<Mismatch>& mismatches);  // name, file, model: one row each
std::string summary(const LoadReport& report);                        // some lines for a log: what was loaded and what was not

// Every parameter as safetensors, under torchvision's names and in its layouts.
void save_weights(const Parameters& parameters, const std::string& path, const std::map<std::string, std::string>& metadata);

// A parameter as it lies in files: its shape there, and its values there.
FileShape file_shape(const Parameter& p);
NamedTensor to_file(const Parameter& p);

}  // namespace mr
