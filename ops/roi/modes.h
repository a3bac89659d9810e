// The choices that RoI operators leave open. Apart from the geometry,
// so that a recipe can name them without seeing it.
#pragma once

#include <cstdint>

namespace mr {

enum class Reduce : uint8_t { mean, max };  // what becomes of the samples of a bin

// How RoIPool cuts the n cells of a box into P bins.
enum class PoolBins : uint8_t {
  overlapping,  // Fast R-CNN: bin b is [⌊b·n/P⌋, ⌈(b+1)·n/P⌉): neighbours share a cell where n/P is not an integer
  disjoint,     // the drawing in most explanations: [⌊b·n/P⌋, ⌊(b+1)·n/P⌋), with the box half-open
  truncated,    // the one in others: bins of ⌊n/P⌋ cells, and what is left over is lost
};

}  // namespace mr
