// safetensors: u64 N; N bytes of JSON; the values, to the end of the file.
//
//   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [64, 3], "data_offsets": [begin, end]}, …}
//
// Read strictly: N ≤ 100,000,000; offsets (from the end of the header) contiguous from 0, without
// hole or overlap; shape × dtype equal to the range, the product checked; the file ending with the
// last tensor; UTF-8; no key twice; no unknown dtype or field.
// Types of less than a byte, 8-bit floats and complex numbers are refused by name.
//
// The format has no checksum. We add one where other programs do not mind it: the metadata key
// "mrcnn.crc32" holds eight hexadecimal digits a tensor, in the order of the file, and a tensor is
// checked against it when it is read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/weights/weight_file.h"

namespace mr {

WeightFile read_safetensors(const std::string& path);

// Writes the file whole or not at all (base/files.h). Larger types come first,
// so that every tensor is aligned to its type.
void write_safetensors(const std::string& path, const std::map<std::string, std::string>& metadata,
                       const std::vector<NamedTensor>& tensors);

}  // namespace mr
