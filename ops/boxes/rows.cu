#include "ops/boxes/rows.h"

#include "ops/each_gpu.h"

namespace mr::gpu {

template void each_row(const char*, int64_t, const EncodeRow&);
template void each_row(const char*, int64_t, const DecodeRow&);
template void each_row(const char*, int64_t, const ClipRow&);
template void each_row(const char*, int64_t, const PairRow&);
template void each_row(const char*, int64_t, const AnchorRow&);
template void each_row(const char*, int64_t, const LevelRow&);
template void each_row(const char*, int64_t, const TakeRow<float>&);
template void each_row(const char*, int64_t, const TakeRow<int32_t>&);
template void each_row(const char*, int64_t, const TakeRow<Box>&);
template void each_row(const char*, int64_t, const AppendRow&);
template void each_row(const char*, int64_t, const RoIRow&);
template void each_row(const char*, int64_t, const ProposalRow&);
template void each_row(const char*, int64_t, const DetectionRow&);
template void each_row(const char*, int64_t, const DetectedLabelRow&);
template void each_row(const char*, int64_t, const RoITargetRow&);
template void each_row(const char*, int64_t, const ObjectPlaceRow&);
template void each_row(const char*, int64_t, const AnchorTargetRow&);
template void each_row(const char*, int64_t, const AnchorOutputRow&);
template void each_row(const char*, int64_t, const OneChannelRow&);

}  // namespace mr::gpu
