#include "data/transforms/input_gpu.h"
#include "data/transforms/pixels.h"
#include "tensor/gpu/kernel.h"
#include "tensor/gpu/staging.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

struct Scale {
  float y, x;  // pixels of the source a pixel of the result
};

// A picture's bytes, and the window that is resized to height × width.
struct Source {
  const uint8_t* rgb;
  int pitch;  // pixels of a row
  Window window;
  Scale scale;

  __device__ uint8_t at(int y, int x, int c) const { return load<uint8_t>(rgb + (int64_t{window.y + y} * pitch + window.x + x) * 3 + c); }
  __device__ PixelTap row(int y) const { return bilinear_tap(scale.y, window.height, y); }
  __device__ PixelTap column(int x) const { return bilinear_tap(scale.x, window.width, x); }

  // Pixel (y, x) of the result, in bytes.
  __device__ void resized(int y, int x, uint8_t (&v)[3]) const {
    const PixelTap r = row(y), k = column(x);
    const int down = fixed_weight(r.weight), across = fixed_weight(k.weight);
    MR_UNROLL
    for (int c = 0; c < 3; ++c)
      v[c] = between_rows(along_row(at(r.low, k.low, c), at(r.low, k.high, c), across),
                          along_row(at(r.high, k.low, c), at(r.high, k.high, c), across), down);
  }
};

Source source_of(const uint8_t* rgb, int pitch, const Window& w, int height, int width) {
  return {
      rgb, pitch, w, {static_cast<float>(w.height) / static_cast<float>(height), static_cast<float>(w.width) / static_cast<float>(width)}};
}

// Block (part of a row, row). A pixel of the batch, or none.
struct Pixel {
  int y, x;
  __device__ Pixel() : y(static_cast<int>(blockIdx.y)), x(static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x)) {}
};

__device__ void store_pixel(float* y, int64_t pixel, const float (&v)[3]) {
  MR_UNROLL
  for (int c = 0; c < 3; ++c) store(y + pixel * 3 + c, v[c]);
}

// sums[c] += channel c of the resized picture. Whole numbers, so their order does not matter.
__global__ void __launch_bounds__(threads) sum_channels_kernel(Source source, int width, unsigned long long* sums) {
  const Pixel p;
  uint8_t v[3] = {};
  if (p.x < width) source.resized(p.y, p.x, v);
  MR_UNROLL
  for (int c = 0; c < 3; ++c) {
    unsigned sum = v[c];
    for (int d = warp_size / 2; d > 0; d /= 2) sum += __shfl_down_sync(0xffffffffu, sum, d);
    if (threadIdx.x % warp_size == 0) atomicAdd(sums + c, static_cast<unsigned long long>(sum));
  }
}

struct Change {
  PixelChange change;
  bool colours;
  ColourMap map;
  const unsigned long long* sums;  // null: no contrast
};

__global__ void __launch_bounds__(threads) changed_image_kernel(Source source, Change to, Normalisation normalised, float* y, int width) {
  const Pixel p;
  if (p.x >= width) return;
  float out[3] = {};
  if (p.y < to.change.final_height() && p.x < to.change.final_width()) {
    int row = p.y, column = p.x;
    to.change.undo(row, column);
    uint8_t v[3];
    source.resized(row, column, v);
    if (to.colours) {
      ColourMap map = to.map;
      if (to.sums)
        map.b = grey_shift(to.change.colours.brightness, to.change.colours.contrast,
                           mean_grey(load<unsigned long long>(to.sums), load<unsigned long long>(to.sums + 1),
                                     load<unsigned long long>(to.sums + 2), int64_t{to.change.height} * to.change.width));
      const float red = v[0], green = v[1], blue = v[2];
      MR_UNROLL
      for (int c = 0; c < 3; ++c) v[c] = map.channel(c, red, green, blue);
    }
    MR_UNROLL
    for (int c = 0; c < 3; ++c) {
      const uint8_t byte = normalised.from[c] == 0 ? v[0] : normalised.from[c] == 1 ? v[1] : v[2];  // an index would put v in memory
      out[c] = normalised(c, to.change.invert ? static_cast<uint8_t>(255 - byte) : byte);
    }
  }
  store_pixel(y, int64_t{p.y} * width + p.x, out);
}

__global__ void __launch_bounds__(threads)
    resized_image_kernel(Source source, int height, int used, Normalisation normalised, float* y, int width) {
  const Pixel p;
  if (p.x >= width) return;
  float out[3] = {};
  if (p.y < height && p.x < used) {
    const PixelTap r = source.row(p.y), k = source.column(p.x);
    MR_UNROLL
    for (int c = 0; c < 3; ++c) {
      const auto line = [&](int row) {
        const float a = normalised(c, source.at(row, k.low, normalised.from[c])),
                    b = normalised(c, source.at(row, k.high, normalised.from[c]));
        return a * (1 - k.weight) + b * k.weight;
      };
      out[c] = line(r.low) * (1 - r.weight) + line(r.high) * r.weight;
    }
  }
  store_pixel(y, int64_t{p.y} * width + p.x, out);
}

// The pictures' bytes on the device, one after the other.
class Uploaded {
 public:
  Uploaded(std::span<const Picture> pictures, Device device) {
    int64_t bytes = 0;
    for (const Picture& p : pictures) {
      first_.push_back(bytes);
      bytes += static_cast<int64_t>(p.image->rgb.size());
    }
    rgb_ = Tensor::empty({bytes}, DType::u8, device);
    for (size_t i = 0; i < pictures.size(); ++i) {
      const auto& [image, change, staged] = pictures[i];
      uint8_t* to = rgb_.device_data<uint8_t>() + first_[i];
      if (staged)
        staged->copy_to(to, compute_stream());
      else
        upload(to, image->rgb.data(), image->rgb.size(), compute_stream());
    }
  }
  const uint8_t* operator[](size_t i) const { return rgb_.device_data<uint8_t>() + first_[i]; }

 private:
  Tensor rgb_;
  std::vector<int64_t> first_;
};

struct Target {
  float* y;
  int height, width;
  Dim3 grid;
  Target(const Tensor& batch, size_t n)
      : y(batch.device_data<float>() + static_cast<int64_t>(n) * batch.size(1) * batch.size(2) * 3),
        height(static_cast<int>(batch.size(1))),
        width(static_cast<int>(batch.size(2))),
        grid{(batch.size(2) + threads - 1) / threads, batch.size(1)} {}
};

}  // namespace

void changed_images(std::span<const Picture> pictures, const Normalisation& normalisation, const Tensor& y) {
  const Uploaded bytes(pictures, y.device());
  const Tensor sums = Tensor::empty({static_cast<int64_t>(pictures.size()), 3}, DType::i64, y.device());
  sums.fill_(0);
  for (size_t i = 0; i < pictures.size(); ++i) {
    const auto& [image, change, staged] = pictures[i];
    const Source source = source_of(bytes[i], image->width, change.window, change.height, change.width);
    const Target to(y, i);
    Change c{change, !change.colours.none(), colour_map(change.colours), nullptr};
    if (change.colours.contrast != 1) {
      auto* sum = reinterpret_cast<unsigned long long*>(sums.device_data<int64_t>() + 3 * i);
      launch("sum_channels", {(change.width + threads - 1) / threads, change.height}, {threads}, 0, compute_stream(), sum_channels_kernel,
             source, change.width, sum);
      c.sums = sum;
    }
    launch("changed_image", to.grid, {threads}, 0, compute_stream(), changed_image_kernel, source, c, normalisation, to.y, to.width);
  }
}

void resized_images(std::span<const Picture> pictures, const Normalisation& normalisation, const Tensor& y) {
  const Uploaded bytes(pictures, y.device());
  for (size_t i = 0; i < pictures.size(); ++i) {
    const PixelChange& c = pictures[i].change;
    const Source source = source_of(bytes[i], pictures[i].image->width, c.window, c.height, c.width);
    const Target to(y, i);
    launch("resized_image", to.grid, {threads}, 0, compute_stream(), resized_image_kernel, source, c.height, c.width, normalisation, to.y,
           to.width);
  }
}

}  // namespace mr::gpu
