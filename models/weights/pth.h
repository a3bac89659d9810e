// torch.save's files and plain pickles, without Python: the zip format (since torch 1.6), the
// legacy stream, and what pickle.dump writes (detectron2's and Detectron's .pkl, with numpy's
// arrays).
//
//   zip     NAME/data.pkl, NAME/data/KEY (one storage each), NAME/byteorder, …       entries stored, checksums verified
//   legacy  pickles back to back: magic, 1001, {"little_endian": True, …}, the object, [KEY, …];
//           then for each key, in that order: i64 numel, the values
//   pickle  one pickle; the whole file is held in memory while its tensors are needed
//
// The pickle is read by an unpickler that cannot run anything (pickle.h). A tensor is (storage,
// offset, sizes, strides); it is gathered into dense order when it is read. Tensors may share a
// storage, be transposed or expanded. Names: state_dict.h.
#pragma once

#include <string>

#include "models/weights/weight_file.h"

namespace mr {

WeightFile read_pth(const std::string& path);

}  // namespace mr
