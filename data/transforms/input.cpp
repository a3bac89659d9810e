#include "data/transforms/input.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "data/transforms/input_gpu.h"
#include "data/transforms/pixels.h"
#include "tensor/gpu/built.h"
#include "tensor/gpu/staging.h"
#include "tensor/parallel.h"

namespace mr {

void Preprocess::validate() const {
  check(mean.size() == 3 && std.size() == 3, "preprocess: expected 3 means and 3 stds, got ", mean.size(), " and ", std.size());
  for (size_t c = 0; c < 3; ++c)
    check(std::isfinite(mean[c]) && std::isfinite(std[c]) && std[c] > 0, "preprocess: expected finite means and positive stds, got ",
          mean[c], ", ", std[c]);
  check(min_side >= 0 && max_side >= 1, "preprocess: expected min_side >= 0 and max_side >= 1, got ", min_side, ", ", max_side);
  check(enlarge > 0 && enlarge <= 16, "preprocess: enlarge must be above 0 and at most 16, got ", enlarge);
  check(size_divisor >= 1 && size_divisor <= 4096, "preprocess: size_divisor must be in [1, 4096], got ", size_divisor);
}

Normalisation Preprocess::normalisation() const {
  validate();
  Normalisation n{.mean = {}, .std = {}, .from = {bgr ? 2 : 0, 1, bgr ? 0 : 2}, .unit = unit};
  for (size_t c = 0; c < 3; ++c) {
    n.mean[c] = static_cast<float>(mean[c]);
    n.std[c] = static_cast<float>(std[c]);
  }
  return n;
}

namespace {

constexpr int kRows = 16;  // handed to a thread at once

// The 256 values that a channel can take, so that normalising is a look-up.
struct Normaliser {
  std::array<std::array<float, 256>, 3> value;
  Normalisation rule;

  explicit Normaliser(const Preprocess& p) : rule(p.normalisation()) {
    for (size_t c = 0; c < 3; ++c)
      for (size_t v = 0; v < 256; ++v) value[c][v] = rule(static_cast<int>(c), static_cast<uint8_t>(v));
  }
  void row(const uint8_t* x, int width, float* y) const {
    for (int i = 0; i < width; ++i, x += 3, y += 3)
      for (size_t c = 0; c < 3; ++c) y[c] = value[c][x[rule.from[c]]];
  }
};

// row(r, to) gives source row r as [width·channels] floats; y: rows [begin, end) of the output.
template <class Row> void resize_rows(const Row& row, int in_width, int channels, const Taps& rows, const Taps& columns, int begin, int end,
                                      float* y, size_t y_stride) {
  const size_t n = columns.low.size() * static_cast<size_t>(channels), in_n = static_cast<size_t>(in_width) * static_cast<size_t>(channels);
  std::vector<float> buffer(in_n + 2 * n);
  float* source = buffer.data();
  float* lines[2] = {source + in_n, source + in_n + n};  // source row r, interpolated along x, lies in lines[r % 2]
  int held[2] = {-1, -1};
  const auto line = [&](int r) {
    float* const to = lines[r % 2];
    if (held[r % 2] == r) return to;
    held[r % 2] = r;
    row(r, source);
    float* out = to;
    for (size_t j = 0; j < columns.low.size(); ++j, out += channels) {
      const float *a = source + static_cast<size_t>(columns.low[j] * channels),
                  *b = source + static_cast<size_t>(columns.high[j] * channels);
      const float w = columns.weight[j];
      for (int c = 0; c < channels; ++c) out[c] = a[c] * (1 - w) + b[c] * w;
    }
    return to;
  };
  for (int i = begin; i < end; ++i) {
    const size_t k = static_cast<size_t>(i);
    const float *low = line(rows.low[k]), *high = line(rows.high[k]), w = rows.weight[k];
    float* to = y + k * y_stride;
    for (size_t j = 0; j < n; ++j) to[j] = low[j] * (1 - w) + high[j] * w;
  }
}

int64_t round_up(int64_t n, int64_t divisor) { return (n + divisor - 1) / divisor * divisor; }

// [N,H,W,C] for the sizes, not filled.
Tensor room_for(const std::vector<PixelSize>& sizes, int64_t channels, int64_t divisor, Device device) {
  int64_t height = 0, width = 0;
  for (const PixelSize& s : sizes) {
    height = std::max<int64_t>(height, s.height);
    width = std::max<int64_t>(width, s.width);
  }
  return Tensor::empty({static_cast<int64_t>(sizes.size()), round_up(height, divisor), round_up(width, divisor), channels}, DType::f32,
                       device);
}

// Zero where the images do not reach.
Tensor padded_batch(const std::vector<PixelSize>& sizes, int64_t channels, int64_t divisor) {
  const Tensor t = room_for(sizes, channels, divisor, Device{});
  const int64_t height = t.size(1), width = t.size(2);
  for (size_t n = 0; n < sizes.size(); ++n) {
    float* y = t.data<float>() + static_cast<int64_t>(n) * height * width * channels;
    for (int64_t h = 0; h < height; ++h, y += width * channels) {
      const int64_t used = h < sizes[n].height ? sizes[n].width : 0;
      std::fill(y + used * channels, y + width * channels, 0.0f);
    }
  }
  return t;
}

void check_image(const Image& image) {
  check(image.height > 0 && image.width > 0, "images_to_tensor: expected an image, got ", image.width, "×", image.height, " pixels");
}

ImageBatch to_tensor(std::span<const Image* const> images, const Preprocess& p, bool resize, Device device) {
  check(!images.empty(), "images_to_tensor: expected at least one image");
  ImageBatch batch;
  for (const Image* image : images) {
    check_image(*image);
    batch.sizes.push_back(resize ? predicted_size(image->height, image->width, p) : PixelSize{image->height, image->width});
  }
  if constexpr (gpu::exists) {
    if (device.type != DeviceType::cpu) {
      batch.images = room_for(batch.sizes, 3, p.size_divisor, device);
      std::vector<gpu::Picture> pictures;
      for (size_t n = 0; n < images.size(); ++n) {
        PixelChange change = whole_image(images[n]->height, images[n]->width);
        change.height = batch.sizes[n].height;
        change.width = batch.sizes[n].width;
        pictures.push_back({images[n], change});
      }
      gpu::resized_images(pictures, p.normalisation(), batch.images);
      return batch;
    }
  }
  const Normaliser normaliser(p);
  batch.images = padded_batch(batch.sizes, 3, p.size_divisor);
  const int64_t height = batch.images.size(1), width = batch.images.size(2);
  for (size_t n = 0; n < images.size(); ++n) {
    const Image& image = *images[n];
    const PixelSize size = batch.sizes[n];
    float* y = batch.images.data<float>() + static_cast<int64_t>(n) * height * width * 3;
    const size_t stride = static_cast<size_t>(width) * 3;
    if (size == PixelSize{image.height, image.width}) {
      parallel_for(size.height, kRows,
                   [&](int64_t h) { normaliser.row(image.at(static_cast<int>(h), 0), image.width, y + static_cast<size_t>(h) * stride); });
      continue;
    }
    const Taps rows = bilinear_taps(image.height, size.height), columns = bilinear_taps(image.width, size.width);
    const auto row = [&](int r, float* to) { normaliser.row(image.at(r, 0), image.width, to); };
    parallel_ranges(size.height, kRows * 4, [&](int64_t begin, int64_t end) {
      resize_rows(row, image.width, 3, rows, columns, static_cast<int>(begin), static_cast<int>(end), y, stride);
    });
  }
  return batch;
}

}  // namespace

PixelSize predicted_size(int height, int width, const Preprocess& p) {
  if (p.min_side > 0) return resized_extent(height, width, p.min_side, p.max_side);
  if (p.enlarge == 1) return {height, width};
  const auto side = [&](int n) { return std::max(static_cast<int>(n * p.enlarge), 1); };
  return {side(height), side(width)};
}

int spare_reduction(int height, int width, const Preprocess& p) {
  const PixelSize seen = predicted_size(height, width, p);
  return std::clamp(std::min(height / seen.height, width / seen.width), 1, 1024);
}

ImageBatch images_to_tensor(std::span<const Image* const> images, const Preprocess& p) { return to_tensor(images, p, false, {}); }

ImageBatch resize_to_tensor(std::span<const Image* const> images, const Preprocess& p, Device device) {
  return to_tensor(images, p, true, device);
}

ImageBatch images_to_tensor(std::span<const InputSample> samples, const Preprocess& p, Device device) {
  if constexpr (gpu::exists) {
    if (device.type != DeviceType::cpu) {
      check(!samples.empty(), "images_to_tensor: expected at least one image");
      ImageBatch batch;
      std::vector<gpu::Picture> pictures;
      for (const InputSample& s : samples) {
        check_image(s.image);
        pictures.push_back({&s.image, s.pending.value_or(whole_image(s.image.height, s.image.width)), s.staged.get()});
        batch.sizes.push_back({pictures.back().change.final_height(), pictures.back().change.final_width()});
      }
      batch.images = room_for(batch.sizes, 3, p.size_divisor, device);
      gpu::changed_images(pictures, p.normalisation(), batch.images);
      return batch;
    }
  }
  std::vector<const Image*> images;
  for (const InputSample& s : samples) {
    check(!s.pending, "images_to_tensor: image ", s.info.image_id, ": expected one that was changed as its objects were");
    images.push_back(&s.image);
  }
  return to_tensor(images, p, false, {});
}

void stage_image(InputSample& s, Device device) {
  if (device.type == DeviceType::cpu) return;
  gpu::use_device(device.index);  // of this thread
  s.staged = std::make_shared<gpu::Staged>(s.image.rgb.data(), s.image.rgb.size());
}

Tensor normalised(const Image& image, const Preprocess& p) {
  const Normaliser normaliser(p);
  const Tensor y = Tensor::empty({image.height, image.width, 3});
  for (int h = 0; h < image.height; ++h) normaliser.row(image.at(h, 0), image.width, y.data<float>() + int64_t{3} * image.width * h);
  return y;
}

Tensor resize_bilinear(const Tensor& x, int height, int width) {
  check(x.rank() == 3 && x.dtype() == DType::f32, "resize_bilinear: x must be [H,W,C] f32, got ", x.shape(), " ", x.dtype());
  check(height > 0 && width > 0 && x.numel() > 0, "resize_bilinear: expected sizes of at least 1×1, got ", x.shape(), " to ", width, "×",
        height);
  const int in_height = static_cast<int>(x.size(0)), in_width = static_cast<int>(x.size(1)), channels = static_cast<int>(x.size(2));
  const Tensor y = Tensor::empty({height, width, channels});
  const Taps rows = bilinear_taps(in_height, height), columns = bilinear_taps(in_width, width);
  const size_t in_n = static_cast<size_t>(in_width) * static_cast<size_t>(channels);
  const auto row = [&](int r, float* to) { std::memcpy(to, x.data<float>() + static_cast<size_t>(r) * in_n, in_n * sizeof(float)); };
  parallel_ranges(height, kRows * 4, [&](int64_t begin, int64_t end) {
    resize_rows(row, in_width, channels, rows, columns, static_cast<int>(begin), static_cast<int>(end), y.data<float>(),
                static_cast<size_t>(width) * static_cast<size_t>(channels));
  });
  return y;
}

ImageBatch pad_and_stack(std::span<const Tensor> images, int64_t size_divisor) {
  check(!images.empty() && size_divisor >= 1, "pad_and_stack: expected at least one image and a divisor of at least 1, got ", images.size(),
        ", ", size_divisor);
  ImageBatch batch;
  for (const Tensor& x : images) {
    check(x.rank() == 3 && x.dtype() == DType::f32 && x.numel() > 0 && x.size(2) == images[0].size(2), "pad_and_stack: expected [H,W,",
          images[0].rank() == 3 ? images[0].size(2) : 3, "] f32, got ", x.shape(), " ", x.dtype());
    batch.sizes.push_back({static_cast<int>(x.size(0)), static_cast<int>(x.size(1))});
  }
  const int64_t channels = images[0].size(2);
  batch.images = padded_batch(batch.sizes, channels, size_divisor);
  const int64_t height = batch.images.size(1), width = batch.images.size(2);
  for (size_t n = 0; n < images.size(); ++n)
    for (int64_t h = 0; h < batch.sizes[n].height; ++h) {
      const int64_t row = batch.sizes[n].width * channels;
      std::memcpy(batch.images.data<float>() + ((static_cast<int64_t>(n) * height + h) * width) * channels,
                  images[n].data<float>() + h * row, static_cast<size_t>(row) * sizeof(float));
    }
  return batch;
}

}  // namespace mr
