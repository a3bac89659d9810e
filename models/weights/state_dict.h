// Which part of an unpickled object is the weights.
//
// The weights are the first of the members model, state_dict, model_state_dict, … that is a dict
// with tensors in it; else the object itself, without its optimisers' states. Dicts inside join
// their keys with dots; what is no tensor is passed over. Torch's tensors and numpy's arrays are
// alike.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "models/weights/pickle.h"
#include "models/weights/weight_file.h"

namespace mr {

// The bytes that a tensor of the pickle lies in. Called when its values are read.
using TensorBytes = std::function<std::span<const std::byte>(const Pickle::Value&)>;

// Fills file.tensors and file.notes. `file_bytes`: of the file,
// which bounds how large the tensors may be in all.
// Errors: an object without weights, said with what it is (a whole pickled module, an optimiser's
// state, …) and what to do instead;
// a tensor of a type that is not read.
void collect_tensors(const Pickle& pickle, const std::string& where, uint64_t file_bytes, const TensorBytes& bytes, WeightFile& file);

}  // namespace mr
