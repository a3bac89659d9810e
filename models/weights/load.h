// Weights files into a model's parameters, and back.
//
//   const LoadReport report = load_weights(parameters, open_weights("maskrcnn_resnet50_fpn.pth"));
//   save_weights(parameters, "best.safetensors", {{"recipe", "…"}});
//
// By name. Files hold torchvision's names and layouts (FileLayout in models/parameters.h); F16,
// BF16 and F64 become f32. Understood besides the model's own names (names.h): the wrappers of
// DataParallel, Lightning, torch.compile and averaged models; detectron2's and Detectron's names
// and rows; a plain ResNet, whose classifier is left out; torchvision's older forms; and whatever
// the caller renames.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/parameters.h"
#include "models/weights/class_rows.h"
#include "models/weights/names.h"
#include "models/weights/weight_file.h"

namespace mr {

struct LoadOptions {
  bool skip_mismatch = false;        // rows of classes (class_rows.h) of another number keep the model's values
  bool force = false;                // and so does whatever else has another shape
  ClassRows class_rows = {};         // not empty: rows of classes are those that it names, the others keep the model's values
  std::string advice = {};           // what an error about rows of classes ends with: how the caller's user asks for skip_mismatch
  bool allow_missing = false;        // parameters that the file does not hold keep the model's values
  std::vector<Rename> renames = {};  // of the file's names, before all else
  double norm_epsilon = 1e-5;        // of the model's norms: for Detectron's weights, whose norms have no variance
};

struct Mismatch {
  std::string name;
  FileShape file, model;  // both as they lie in files
};

struct LoadReport {
  Naming naming = Naming::torchvision;
  std::vector<std::string> loaded;   // parameters that got their values
  std::vector<std::string> missing;  // parameters that the file does not hold
  std::vector<std::string> unused;   // tensors of the file that fit no parameter, by their names there
  std::vector<std::string> ignored;  // tensors that are known to be of no use
  std::vector<Mismatch> mismatched;
  std::vector<std::string> notes;  // what a person should know
};

// What load_weights would do, from names and shapes alone: nothing is read and nothing changed.
LoadReport match_weights(const Parameters& parameters, const WeightFile& file, const LoadOptions& options = {});

// Errors: missing parameters; shapes that differ (with the table of all of them); an integer type;
// a NaN or infinite value; two tensors for one parameter; a rename that fits no name; no tensor
// that fits (with the rename that would help, if there is one). All is read and checked before the
// first value is changed.
LoadReport load_weights(Parameters& parameters, const WeightFile& file, const LoadOptions& options = {});

// Of a report, for people: what was loaded and what was not, counted by part
// (backbone.body, rpn.head, …), and whole.
std::string mismatch_table(const std::vector<Mismatch>& mismatches);  // name, file, model: one row each
std::string summary(const LoadReport& report);
std::string every_tensor(const LoadReport& report);
// {"naming": "detectron2", "loaded": ["…", …], "missing": […], "unused": […], "ignored": […],
//  "mismatched": [{"name": "…", "file": […], "model": […]}, …], "notes": […], "refusal": "…"}
std::string report_json(const LoadReport& report, const std::string& refusal);  // refusal: why the caller would not load it, or empty
const char* name_of(Naming naming);

// Every parameter as safetensors, under torchvision's names and in its layouts.
void save_weights(const Parameters& parameters, const std::string& path, const std::map<std::string, std::string>& metadata);

// A parameter as it lies in files: its shape there, and its values there.
FileShape file_shape(const Parameter& p);
NamedTensor to_file(const Parameter& p);

}  // namespace mr
