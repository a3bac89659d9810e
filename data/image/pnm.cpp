// PNM: P1 P2 P3 as text, P4 P5 P6 in binary; bits, grey, colour; up to 16 bits (big-endian).
#include "data/image/canvas.h"

namespace mr::image {
namespace {

struct Header {
  int kind = 0;  // 1 … 6
  int height = 0, width = 0;
  uint32_t top = 1;  // the value of white
  bool text() const { return kind <= 3; }
  bool bitmap() const { return kind == 1 || kind == 4; }
  int channels() const { return kind == 3 || kind == 6 ? 3 : 1; }
};

class Reader {
 public:
  explicit Reader(const Source& s) : s_(s) {}

  Header header() {
    Header h;
    h.kind = s_.bytes[1] - '0';
    at_ = 2;
    const uint32_t width = number(), height = number();
    check_extent(s_, height, width);
    h.width = static_cast<int>(width);
    h.height = static_cast<int>(height);
    if (!h.bitmap()) h.top = number();
    if (h.top < 1 || h.top > 65535) corrupt(s_, str("PNM: the largest value is ", h.top, ", expected 1 … 65535"));
    if (!h.text()) {
      if (at_ >= s_.bytes.size() || !space(s_.bytes[at_])) corrupt(s_, "PNM: the header is truncated");
      ++at_;
    }
    return h;
  }

  // Binary pixels: `size` bytes.
  const uint8_t* take(size_t size) {
    if (s_.bytes.size() - at_ < size) corrupt(s_, str("PNM: truncated: ", size, " bytes of pixels expected, got ", s_.bytes.size() - at_));
    return s_.bytes.data() + at_;
  }

  uint32_t number() {
    skip_space();
    uint64_t v = 0;
    const size_t start = at_;
    while (at_ < s_.bytes.size() && s_.bytes[at_] >= '0' && s_.bytes[at_] <= '9') {
      v = v * 10 + (s_.bytes[at_++] - '0');
      if (v > INT32_MAX) corrupt(s_, "PNM: a number is too large");
    }
    if (at_ == start) corrupt(s_, at_ < s_.bytes.size() ? "PNM: expected a number" : "PNM: truncated");
    return static_cast<uint32_t>(v);
  }

  uint32_t digit() {  // of P1: 0 or 1, spaces optional
    skip_space();
    if (at_ >= s_.bytes.size()) corrupt(s_, "PNM: truncated");
    const uint8_t c = s_.bytes[at_++];
    if (c != '0' && c != '1') corrupt(s_, "PNM: expected 0 or 1");
    return c - '0';
  }

 private:
  static bool space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  void skip_space() {
    while (at_ < s_.bytes.size() && (space(s_.bytes[at_]) || s_.bytes[at_] == '#')) {
      if (s_.bytes[at_] == '#')
        while (at_ < s_.bytes.size() && s_.bytes[at_] != '\n') ++at_;
      else
        ++at_;
    }
  }

  const Source& s_;
  size_t at_ = 0;
};

void note(const Header& h, ImageNotes& notes) {
  notes.channels = h.channels();
  notes.bits = h.bitmap() ? 1 : h.top > 255 ? 16 : 8;
}

}  // namespace

PixelSize pnm_extent(const Source& s, ImageNotes& notes) {
  const Header h = Reader(s).header();
  note(h, notes);
  return {h.height, h.width};
}

Image decode_pnm(const Source& s, ImageNotes& notes) {
  Reader reader(s);
  const Header h = reader.header();
  note(h, notes);
  const size_t width = static_cast<size_t>(h.width), height = static_cast<size_t>(h.height), channels = static_cast<size_t>(h.channels());
  const size_t bytes = h.top > 255 ? 2 : 1, stride = h.kind == 4 ? (width + 7) / 8 : width * channels * bytes;
  if (h.text() && s.bytes.size() < width * height * channels) corrupt(s, "PNM: truncated");
  const uint8_t* pixels = h.text() ? nullptr : reader.take(stride * height);
  Canvas canvas(s, h.height, h.width);
  for (size_t y = 0; y < height; ++y) {
    uint8_t* to = canvas.row();
    for (size_t x = 0; x < width; ++x, to += 3)
      for (size_t c = 0; c < channels; ++c) {
        uint32_t v;
        if (h.kind == 1)
          v = 1 - reader.digit();  // 1 is black
        else if (h.kind == 4)
          v = 1 - (pixels[y * stride + x / 8] >> (7 - x % 8) & 1u);
        else if (h.text())
          v = reader.number();
        else if (bytes == 1)
          v = pixels[y * stride + x * channels + c];
        else
          v = static_cast<uint32_t>(pixels[y * stride + 2 * (x * channels + c)] << 8 | pixels[y * stride + 2 * (x * channels + c) + 1]);
        if (v > h.top) corrupt(s, str("PNM: value ", v, " above ", h.top));
        to[c] = static_cast<uint8_t>((v * 255 + h.top / 2) / h.top);
        if (s.options.marks && v != 0 && to[c] == 0) to[c] = 1;
        if (channels == 1) to[1] = to[2] = to[0];
      }
    canvas.put(static_cast<int>(y), 0, h.width, canvas.row());
  }
  return canvas.finish(notes);
}

}  // namespace mr::image
