// Times the operators that Mask R-CNN spends its time in, at the sizes of R50-FPN on an 800×1216 image and of a small model on eight
// 256×256 crops, and names the rung that each convolution runs on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/storage.h"

namespace mr {

struct OpTiming {
  std::string name;    // "conv 3x3/1 256-256 200x304 forward"
  std::string rung;    // of convolutions: which of the ladder's rungs was chosen
  double seconds = 0;  // best of the repeats
  double gflops = 0;   // per second, counting the plain algorithm's operations; 0: not counted
};

// Only those whose name contains the filter. A time ends when the device is done. Errors: the filter is in no name, with the list of them.
std::vector<OpTiming> bench_ops(const std::string& filter, int64_t repeats, Device device = {});

std::string to_json(const std::vector<OpTiming>& timings);  // [{"name", "rung", "seconds", "gflops"}, …]
std::string to_text(const std::vector<OpTiming>& timings);

}  // namespace mr
