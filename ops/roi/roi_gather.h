// The gradient of the maps, gathered: one launch over the tiles of 8×8 cells of all maps.
//
// A block owns a tile and 64·N channels; each of its threads a quarter of the tile, 4×4 cells, and
// N channels, whose sums it holds in registers. The block looks for the boxes that touch its tile,
// 256 at a time, and lists them in rising order. For a batch of them it finds which bins touch
// which quarters (and with what weights); then every thread adds what those bins give to its cells.
// So a value gy is read once by each quarter that its bin touches, by 64 neighbouring threads from
// neighbouring addresses; gx is written once and not read.
#pragma once

#include "ops/roi/roi_kernel.h"

namespace mr::gpu {

// The smallest range that holds both; an empty one holds nothing.
__device__ inline CellRange hull(const CellRange& a, const CellRange& b) {
  if (b.begin >= b.end) return a;
  return a.begin >= a.end ? b : CellRange{min(a.begin, b.begin), max(a.end, b.end)};
}

constexpr int tile_cells = 8, part_cells = 4;
constexpr int gather_lanes = 64, gather_parts = 4, gather_threads = gather_lanes * gather_parts;
constexpr int most_batch = 16;

// The tile of a block: cells [y, y + 8) × [x, x + 8) of a map of h × w cells.
struct Tile {
  int level, image, y, x, h, w;
  double scale;
};
MR_HD inline int tiles_along(int n) { return (n + tile_cells - 1) / tile_cells; }

template <class T> __device__ Tile tile_of(const Pyramid<T>& maps, int block) {
  int level = 0;
  for (;; ++level) {
    const int tiles = maps.data[level] ? maps.images * tiles_along(maps.h[level]) * tiles_along(maps.w[level]) : 0;
    if (block < tiles) break;
    block -= tiles;
  }
  const int h = maps.h[level], w = maps.w[level], across = tiles_along(w), down = tiles_along(h);
  return {level, block / (across * down), block / across % down * tile_cells, block % across * tile_cells, h, w, maps.scale[level]};
}

// Which halves of the tile's 8 cells from `from` on the cells [begin, end) touch, as two bits.
MR_HD inline unsigned touched_halves(int from, int begin, int end) {
  if (begin >= end) return 0;
  const bool first = begin < from + part_cells && end > from, second = begin < from + tile_cells && end > from + part_cells;
  return (first ? 1u : 0u) | (second ? 2u : 0u);
}

// Which of the RoIs first … first + 255 touch the tile, to `hits` in rising order;
// their number. For all threads of the block.
__device__ inline int collect_hits(const PlacesView& places, int first, int rois, const Tile& tile, const SharedArray<int>& hits,
                                   const SharedArray<int>& of_warp) {
  const int thread = static_cast<int>(threadIdx.y) * gather_lanes + static_cast<int>(threadIdx.x);
  const int lane = thread % warp_size, warp = thread / warp_size;
  bool hit = false;
  if (first + thread < rois) {
    const Place p = places.place(first + thread);
    hit = p.level == tile.level && p.image == tile.image && touched_halves(tile.y, p.begin[0], p.end[0]) != 0 &&
          touched_halves(tile.x, p.begin[1], p.end[1]) != 0;
  }
  const unsigned votes = __ballot_sync(all_lanes, hit);
  if (lane == 0) of_warp[warp] = __popc(votes);
  __syncthreads();
  int before = 0, count = 0;
  for (int k = 0; k < gather_threads / warp_size; ++k) {
    const int here = of_warp[k];
    if (k < warp) before += here;
    count += here;
  }
  if (hit) hits[before + __popc(votes & ((1u << lane) - 1u))] = first + thread;
  __syncthreads();
  return count;
}

// What the threads of a block know of a batch of RoIs that touch its tile.
template <class A> struct Batch {
  static constexpr int width = 16 / static_cast<int>(sizeof(A));  // weights of one access
  int count, size;
  SharedArray<int> range;  // of the bins that touch a half: [count][axis][half][begin, end]
  SharedArray<A> weight;   // of a bin on 8 cells, `width` together: [8 / width][count·2·size][width]

  __device__ int slot(int hit, int axis, int bin) const { return (hit * 2 + axis) * size + bin; }
  __device__ int begin(int hit, int axis, int half) const { return range[((hit * 2 + axis) * 2 + half) * 2]; }
  __device__ int end(int hit, int axis, int half) const { return range[((hit * 2 + axis) * 2 + half) * 2 + 1]; }
  __device__ SharedArray<A> weights(int slots, int group, int slot) const { return weight + (group * slots + slot) * width; }
};

// A thread's part of a tile and its sums.
template <class A, int N> struct Part {
  int y, x, c;         // first cell, first channel
  int half_y, half_x;  // of the tile
  A sum[part_cells][part_cells][N];
};

// Source: what an operator knows of its bins.
//   weights(batch)                               values of shared memory that it wants for a batch
//   touch(batch, slots, slot, r, axis, b, tile)  which halves of the tile bin b of RoI r touches; may put weights into `slot`
//   add<N>(batch, slots, hit, r, tile, part)     adds what RoI r, the batch's number `hit`, gives to a thread's cells
template <int N, class T, class Source> __global__ void __launch_bounds__(gather_threads, 2)
    gather_kernel(int rois, PlacesView places, int most, Pyramid<T> gx, Source source) {
  using A = acc_t<T>;
  Shared shared;
  const auto hits = shared.array<int>(gather_threads);
  const auto of_warp = shared.array<int>(gather_threads / warp_size);
  const auto range = shared.array<int>(most * 8);
  const auto weight = shared.array<A>(max(source.weights(most), 1));
  const Tile tile = tile_of(gx, static_cast<int>(blockIdx.x));
  const int group = static_cast<int>(threadIdx.y), thread = group * gather_lanes + static_cast<int>(threadIdx.x), size = source.size;
  Part<A, N> part{tile.y + group / 2 * part_cells,
                  tile.x + group % 2 * part_cells,
                  (static_cast<int>(blockIdx.y) * gather_lanes + static_cast<int>(threadIdx.x)) * N,
                  group / 2,
                  group % 2,
                  {}};
  const bool busy = part.c < gx.channels && part.y < tile.h && part.x < tile.w;
  const int slots = most * 2 * size;
  for (int first = 0; first < rois; first += gather_threads) {
    const int count = collect_hits(places, first, rois, tile, hits, of_warp);
    for (int from = 0; from < count; from += most) {
      const Batch<A> batch{min(most, count - from), size, range, weight};
      for (int k = thread; k < batch.count * 8; k += gather_threads) range[k] = k % 2 == 0 ? size : 0;
      __syncthreads();
      for (int k = thread; k < batch.count * 2 * size; k += gather_threads) {
        const int hit = k / size / 2, axis = k / size % 2, b = k % size, r = hits[from + hit];
        const unsigned halves = source.touch(batch, slots, k, r, axis, b, tile);
        for (int half = 0; half < 2; ++half)
          if ((halves >> half & 1u) != 0) {
            atomicMin(range + ((hit * 2 + axis) * 2 + half) * 2, b);
            atomicMax(range + ((hit * 2 + axis) * 2 + half) * 2 + 1, b + 1);
          }
      }
      __syncthreads();
      if (busy)
        for (int hit = 0; hit < batch.count; ++hit) {
          const int r = hits[from + hit];
          source.template add<N>(batch, slots, hit, r, tile, part);
        }
      __syncthreads();
    }
  }
  if (!busy) return;
  MR_UNROLL
  for (int i = 0; i < part_cells; ++i) MR_UNROLL
  for (int j = 0; j < part_cells; ++j)
    if (part.y + i < tile.h && part.x + j < tile.w)
      store_channels<N>(gx.cell(tile.level, tile.image, part.y + i, part.x + j) + part.c, part.sum[i][j]);
}

template <class T, class Source>
void gather(const char* name, const RoIWork& work, const RoIPlaces& places, const std::vector<Tensor>& gx, const Source& source) {
  using A = acc_t<T>;
  const Pyramid<T> maps = pyramid<T>(work, gx);
  int64_t tiles = 0;
  for (int l = 0; l < maps.depth; ++l)
    if (maps.data[l]) tiles += int64_t{maps.images} * tiles_along(maps.h[l]) * tiles_along(maps.w[l]);
  if (tiles == 0 || maps.channels == 0) return;
  constexpr int few_bytes = 24 << 10;
  const int each = source.weights(1) * static_cast<int>(sizeof(A)),
            most = each == 0 ? most_batch : std::clamp(few_bytes / each, 1, most_batch);
  const size_t bytes = SharedSize()
                           .array<int>(gather_threads)
                           .template array<int>(gather_threads / warp_size)
                           .template array<int>(most * 8)
                           .template array<A>(std::max(source.weights(most), 1))
                           .bytes();
  with_pack<Source::width>(maps.channels, [&]<int N>(std::integral_constant<int, N>) {
    const int64_t chunks = (maps.channels + gather_lanes * N - 1) / (gather_lanes * N);
    launch(name, {tiles, chunks}, {gather_lanes, gather_parts}, bytes, compute_stream(), gather_kernel<N, T, Source>,
           static_cast<int>(work.count()), view(places), most, maps, source);
  });
}

}  // namespace mr::gpu
