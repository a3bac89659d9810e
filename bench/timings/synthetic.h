// What models are timed on.
#pragma once

#include "bench/timings/model.h"
#include "models/system.h"

namespace mr {

// Elliptical objects of many sizes on noisy images, and random boxes where proposals are to be given.
HostBatch synthetic_batch(const BenchModelOptions& options, int64_t classes, int64_t size_divisor, const GivenBoxes& given);

}  // namespace mr
