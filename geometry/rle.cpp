#include "geometry/rle.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace mr {
namespace {

constexpr int64_t kMostPixels = 0x7fffffff;

[[noreturn]] void fail(const std::string& message) { throw Error("rle: " + message); }

std::string text(int64_t v) { return std::to_string(v); }

int64_t checked_pixels(int64_t height, int64_t width) {
  if (height < 1 || width < 1 || height > kMostPixels || width > kMostPixels / height)
    fail("size must be at least 1x1 and at most 2^31-1 pixels, got " + text(height) + "x" + text(width));
  return height * width;
}

void check_count_of_runs(size_t runs, int64_t pixels) {
  if (runs == 0) fail("counts must not be empty");
  if (runs > static_cast<size_t>(pixels) + 1) fail("more runs than pixels: " + std::to_string(runs) + " runs, " + text(pixels) + " pixels");
}

void check_sum(int64_t sum, const Rle& mask) {
  const int64_t pixels = static_cast<int64_t>(mask.height) * mask.width;
  if (sum != pixels)
    fail("counts must sum to " + text(mask.height) + "x" + text(mask.width) + " = " + text(pixels) + " pixels, got " + text(sum));
}

Rle empty_mask(int64_t height, int64_t width) {
  checked_pixels(height, width);
  Rle mask;
  mask.height = static_cast<int>(height), mask.width = static_cast<int>(width);
  return mask;
}

// Steps through the non-empty runs of ones.
struct Ones {
  const std::vector<uint32_t>& counts;
  size_t i = 0;
  uint32_t begin = 0, end = 0;

  explicit Ones(const Rle& mask) : counts(mask.counts) {}
  bool next() {
    while (i + 1 < counts.size()) {
      begin = end + counts[i];
      end = begin + counts[i + 1];
      i += 2;
      if (end > begin) return true;
    }
    return false;
  }
};

void check_same_size(const Rle& a, const Rle& b) {
  if (a.height != b.height || a.width != b.width)
    fail("masks must have one size, got " + text(a.height) + "x" + text(a.width) + " and " + text(b.height) + "x" + text(b.width));
}

// Pixels that both hold.
int64_t common_pixels(const Rle& x, const Rle& y) {
  Ones a(x), b(y);
  int64_t common = 0;
  bool more = a.next() && b.next();
  while (more) {
    const uint32_t begin = std::max(a.begin, b.begin), end = std::min(a.end, b.end);
    if (begin < end) common += end - begin;
    more = a.end < b.end ? a.next() : b.next();
  }
  return common;
}

Rle merge_two(const Rle& x, const Rle& y, bool intersect) {
  RleWriter out(x.height, x.width);
  Ones a(x), b(y);
  bool more_a = a.next(), more_b = b.next();
  if (intersect) {
    while (more_a && more_b) {
      out.ones(std::max(a.begin, b.begin), std::min(a.end, b.end));
      if (a.end < b.end)
        more_a = a.next();
      else
        more_b = b.next();
    }
    return out.finish();
  }
  while (more_a || more_b) {
    if (more_a && (!more_b || a.begin < b.begin)) {
      out.ones(a.begin, a.end);
      more_a = a.next();
    } else {
      out.ones(b.begin, b.end);
      more_b = b.next();
    }
  }
  return out.finish();
}

// The runs of one column, whose first pixel is number `at` of the image.
void encode_column(const uint8_t* pixels, int rows, uint32_t at, RleWriter& out) {
  int y = 0;
  while (y < rows) {
    const void* first = std::memchr(pixels + y, 1, static_cast<size_t>(rows - y));
    if (first == nullptr) return;
    const int begin = static_cast<int>(static_cast<const uint8_t*>(first) - pixels);
    const void* past = std::memchr(pixels + begin, 0, static_cast<size_t>(rows - begin));
    y = past == nullptr ? rows : static_cast<int>(static_cast<const uint8_t*>(past) - pixels);
    out.ones(at + static_cast<uint32_t>(begin), at + static_cast<uint32_t>(y));
  }
}

// `bits` with its pixel (0, 0) at (x0, y0) of an image of height × width.
Rle encode(const Bitmap& bits, int x0, int y0, int height, int width) {
  checked_pixels(height, width);
  if (bits.pixels.size() != static_cast<size_t>(bits.height) * static_cast<size_t>(bits.width))
    fail("the bitmap must hold height x width pixels, got " + std::to_string(bits.pixels.size()));
  const int top = std::max(0, -y0), bottom = static_cast<int>(std::min<int64_t>(bits.height, static_cast<int64_t>(height) - y0));
  const int left = std::max(0, -x0), right = static_cast<int>(std::min<int64_t>(bits.width, static_cast<int64_t>(width) - x0));
  RleWriter out(height, width);
  const int rows = bottom - top;
  constexpr int kBlock = 64;  // columns turned at once: each line of the cache is read once
  std::vector<uint8_t> turned(static_cast<size_t>(std::max(rows, 0)) * kBlock);
  for (int x = left; rows > 0 && x < right; x += kBlock) {
    const int columns = std::min(kBlock, right - x);
    for (int y = 0; y < rows; ++y) {
      const uint8_t* row = bits.pixels.data() + static_cast<size_t>(y + top) * static_cast<size_t>(bits.width) + x;
      for (int c = 0; c < columns; ++c) turned[static_cast<size_t>(c) * static_cast<size_t>(rows) + static_cast<size_t>(y)] = row[c] != 0;
    }
    for (int c = 0; c < columns; ++c) {
      const int64_t at = static_cast<int64_t>(x + c + x0) * height + y0 + top;
      encode_column(turned.data() + static_cast<size_t>(c) * static_cast<size_t>(rows), rows, static_cast<uint32_t>(at), out);
    }
  }
  return out.finish();
}

struct Window {
  int64_t x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

Window window_of(const Rle& mask) {
  const int64_t height = checked_pixels(mask.height, mask.width) / mask.width;
  Window w{mask.width, height, 0, 0};
  Ones run(mask);
  while (run.next()) {
    const int64_t last = static_cast<int64_t>(run.end) - 1;
    const int64_t left = run.begin / height, right = last / height;
    const bool one_column = left == right;  // else the run passes the bottom of a column and the top of the next
    w.x1 = std::min(w.x1, left), w.x2 = std::max(w.x2, right + 1);
    w.y1 = std::min(w.y1, one_column ? run.begin % height : 0), w.y2 = std::max(w.y2, one_column ? last % height + 1 : height);
  }
  return w.x2 == 0 ? Window() : w;
}

// Writes the runs of ones into a window that holds them all.
void decode(const Rle& mask, int x0, int y0, Bitmap& bits) {
  Ones run(mask);
  const auto height = static_cast<uint32_t>(mask.height);
  while (run.next()) {
    uint32_t x = run.begin / height, y = run.begin % height;
    for (uint32_t left = run.end - run.begin; left > 0; ++x, y = 0) {
      const uint32_t here = std::min(left, height - y);
      uint8_t* p = &bits.at(static_cast<int>(y) - y0, static_cast<int>(x) - x0);
      for (uint32_t k = 0; k < here; ++k, p += bits.width) *p = 1;
      left -= here;
    }
  }
}

}  // namespace

RleWriter::RleWriter(int height, int width) { mask_ = empty_mask(height, width); }

void RleWriter::expect(size_t runs) { mask_.counts.reserve(mask_.counts.size() + 2 * runs + 1); }

void RleWriter::ones(uint32_t begin, uint32_t end) {
  if (end <= begin) return;
  std::vector<uint32_t>& counts = mask_.counts;
  if (!counts.empty() && begin <= end_) {
    if (end > end_) counts.back() += end - end_;
  } else {
    counts.push_back(begin - end_);
    counts.push_back(end - begin);
  }
  end_ = std::max(end_, end);
}

Rle RleWriter::finish() {
  const auto pixels = static_cast<uint32_t>(static_cast<int64_t>(mask_.height) * mask_.width);
  if (end_ < pixels || mask_.counts.empty()) mask_.counts.push_back(pixels - end_);
  return std::move(mask_);
}

void rle_check(const Rle& mask) {
  check_count_of_runs(mask.counts.size(), checked_pixels(mask.height, mask.width));
  int64_t sum = 0;  // of at most 2^31 counts below 2^32
  for (const uint32_t c : mask.counts) sum += c;
  check_sum(sum, mask);
}

Rle rle_from_counts(std::span<const int64_t> counts, int64_t height, int64_t width) {
  Rle mask = empty_mask(height, width);
  const int64_t pixels = height * width;
  check_count_of_runs(counts.size(), pixels);
  mask.counts.reserve(counts.size());
  int64_t sum = 0;
  for (const int64_t c : counts) {
    if (c < 0 || c > pixels) fail("a count must be in 0 ... " + text(pixels) + ", got " + text(c));
    mask.counts.push_back(static_cast<uint32_t>(c));
    sum += c;
  }
  check_sum(sum, mask);
  return mask;
}

Rle rle_from_string(std::string_view s, int64_t height, int64_t width) {
  Rle mask = empty_mask(height, width);
  const int64_t pixels = height * width;
  std::vector<uint32_t>& counts = mask.counts;
  counts.reserve(s.size());
  int64_t sum = 0;
  for (size_t at = 0; at < s.size();) {
    int64_t value = 0;
    unsigned c = 0x20;
    for (int shift = 0; c & 0x20; shift += 5) {
      if (at == s.size()) fail("the string ends inside a number");
      c = static_cast<unsigned char>(s[at]) - 48u;
      if (c > 63)
        fail("the string must hold characters '0' to 'o', got byte " + text(static_cast<unsigned char>(s[at])) + " at " +
             std::to_string(at));
      if (shift > 35) fail("a number of the string has more than 8 characters, at " + std::to_string(at));
      value |= static_cast<int64_t>(c & 0x1f) << shift;
      if (!(c & 0x20) && (c & 0x10)) value -= int64_t{0x20} << shift;
      ++at;
    }
    if (counts.size() > 2) value += counts[counts.size() - 2];
    if (value < 0 || value > pixels) fail("a count must be in 0 ... " + text(pixels) + ", got " + text(value));
    counts.push_back(static_cast<uint32_t>(value));
    sum += value;
  }
  check_count_of_runs(counts.size(), pixels);
  check_sum(sum, mask);
  return mask;
}

std::string rle_to_string(const Rle& mask) {
  std::string out;
  out.reserve(mask.counts.size() * 2);
  for (size_t i = 0; i < mask.counts.size(); ++i) {
    int64_t value = mask.counts[i];
    if (i > 2) value -= mask.counts[i - 2];
    for (bool more = true; more;) {
      unsigned c = static_cast<unsigned>(value & 0x1f);
      value >>= 5;
      more = value != (c & 0x10 ? -1 : 0);
      out.push_back(static_cast<char>((more ? c | 0x20 : c) + 48));
    }
  }
  return out;
}

Rle rle_encode(const Bitmap& mask) { return encode(mask, 0, 0, mask.height, mask.width); }
Rle rle_encode(const CroppedMask& mask) { return encode(mask.bits, mask.x0, mask.y0, mask.image_height, mask.image_width); }

Bitmap rle_decode(const Rle& mask) {
  rle_check(mask);
  Bitmap bits(mask.height, mask.width);
  decode(mask, 0, 0, bits);
  return bits;
}

CroppedMask rle_crop(const Rle& mask) {
  rle_check(mask);
  const Window w = window_of(mask);
  CroppedMask out{mask.height, mask.width, static_cast<int>(w.x1), static_cast<int>(w.y1), {}};
  out.bits = Bitmap(static_cast<int>(w.y2 - w.y1), static_cast<int>(w.x2 - w.x1));
  decode(mask, out.x0, out.y0, out.bits);
  return out;
}

int64_t rle_area(const Rle& mask) {
  int64_t area = 0;
  for (size_t i = 1; i < mask.counts.size(); i += 2) area += mask.counts[i];
  return area;
}

Box rle_box(const Rle& mask) {
  const Window w = window_of(mask);
  return {static_cast<float>(w.x1), static_cast<float>(w.y1), static_cast<float>(w.x2), static_cast<float>(w.y2)};
}

// By halves, so that a run of n masks is looked at log2 n times.
Rle rle_merge(std::span<const Rle> masks, bool intersect) {  // NOLINT(misc-no-recursion): log2 n deep
  if (masks.empty()) fail("merge needs at least one mask");
  if (masks.size() == 1) return masks[0];
  for (const Rle& m : masks) check_same_size(masks[0], m);
  if (masks.size() == 2) return merge_two(masks[0], masks[1], intersect);
  const size_t half = masks.size() / 2;
  return merge_two(rle_merge(masks.first(half), intersect), rle_merge(masks.subspan(half), intersect), intersect);
}

double rle_iou(const Rle& detection, const Rle& truth, bool crowd) {
  check_same_size(detection, truth);
  const int64_t common = common_pixels(detection, truth);
  if (common == 0) return 0;
  const int64_t either = crowd ? rle_area(detection) : rle_area(detection) + rle_area(truth) - common;
  return static_cast<double>(common) / static_cast<double>(either);
}

}  // namespace mr
