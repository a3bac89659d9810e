// torch.save's files, without Python: the zip format (since torch 1.6) and the legacy stream.
//
//   zip     NAME/data.pkl, NAME/data/KEY (one storage each), NAME/byteorder, …       entries stored, checksums verified
//   legacy  pickles back to back: magic, 1001, {"little_endian": True, …}, the object, [KEY, …];
//           then for each key, in that order: i64 numel, the values
//
// The pickle is read by an unpickler that cannot run anything (pickle.h). A tensor is (storage, offset, sizes, strides); it is
// gathered into dense order when it is read. Tensors may share a storage, be transposed or expanded.
//
// Names: if the object is {"model": {…}, …}, or the same with "state_dict" or "model_state_dict", then those of that dict alone;
// otherwise those of the object itself. Dicts inside it join their keys with dots. Values that are no tensors are passed over.
#pragma once

#include <string>

#include "models/weights/weight_file.h"

namespace mr {

WeightFile read_pth(const std::string& path);

}  // namespace mr
