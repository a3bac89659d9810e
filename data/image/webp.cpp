// WebP through libwebp: lossy and lossless, with or without alpha (which is dropped); of an animation the first picture, on black where it
// does not cover the canvas.
#include <algorithm>
#include <cstring>
#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include "data/image/canvas.h"

namespace mr::image {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)>;

uint32_t little(Bytes b, size_t at) { return b[at] | uint32_t{b[at + 1]} << 8 | uint32_t{b[at + 2]} << 16 | uint32_t{b[at + 3]} << 24; }

// The first of the file's chunks with that name: where its contents begin and how long they are; {0, 0} where there is none.
struct Chunk {
  size_t at = 0, size = 0;
};
Chunk find_chunk(const Source& s, const char* name) {
  for (size_t at = 12; at + 8 <= s.size();) {
    uint8_t head[8];
    if (s.read_at(at, head) < sizeof head) break;
    const size_t size = little(head, 4);
    if (std::memcmp(head, name, 4) == 0) return {at + 8, size};
    at += 8 + size + size % 2;
  }
  return {};
}

// Behind the pixels, as a rule; some writers put JPEG's "Exif\0\0" before it.
int orientation(const Source& s) {
  constexpr size_t kMost = 65536;  // the tag stands at the start
  const Chunk exif = find_chunk(s, "EXIF");
  std::vector<uint8_t> tiff(exif.size < kMost ? exif.size : kMost);
  tiff.resize(s.read_at(exif.at, tiff));
  const bool jpegs = tiff.size() > 6 && std::memcmp(tiff.data(), "Exif\0", 6) == 0;
  return exif_orientation(Bytes(tiff).subspan(jpegs ? 6 : 0));
}

// The file taken apart; of its beginning alone (`partial`) what there is.
class WebP {
 public:
  WebP(const Source& s, bool partial) : demuxer_(nullptr, WebPDemuxDelete) {
    if (s.bytes.size() < 20) corrupt(s, "WebP: the header is truncated");
    const size_t stated = size_t{little(s.bytes, 4)} + 8;
    if (stated > s.size()) corrupt(s, str("WebP: truncated: ", stated, " bytes expected, got ", s.size()));
    const WebPData data{s.bytes.data(), s.bytes.size()};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    demuxer_.reset(partial ? WebPDemuxPartial(&data, &state) : WebPDemux(&data));
    if (!demuxer_ || (partial && state < WEBP_DEMUX_PARSED_HEADER)) corrupt(s, "WebP: the file is not what its chunks state");
    check_extent(s, get(WEBP_FF_CANVAS_HEIGHT), get(WEBP_FF_CANVAS_WIDTH));
  }

  PixelSize size() const { return {static_cast<int>(get(WEBP_FF_CANVAS_HEIGHT)), static_cast<int>(get(WEBP_FF_CANVAS_WIDTH))}; }
  uint32_t get(WebPFormatFeature feature) const { return WebPDemuxGetI(demuxer_.get(), feature); }
  const WebPDemuxer* demuxer() const { return demuxer_.get(); }

 private:
  Demuxer demuxer_;
};

// The first picture.
class Frame {
 public:
  Frame(const Source& s, const WebP& webp) {
    if (!WebPDemuxGetFrame(webp.demuxer(), 1, &frame_)) corrupt(s, "WebP: there is no picture");
  }
  ~Frame() { WebPDemuxReleaseIterator(&frame_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  const WebPIterator* operator->() const { return &frame_; }

 private:
  WebPIterator frame_{};
};

PixelSize note(const Source& s, const WebP& webp, ImageNotes& notes) {
  const PixelSize size = webp.size();
  const bool alpha = webp.get(WEBP_FF_FORMAT_FLAGS) & ALPHA_FLAG;
  notes.channels = alpha ? 4 : 3;
  notes.bits = 8;
  notes.pictures = webp.get(WEBP_FF_FRAME_COUNT);
  if (webp.get(WEBP_FF_FORMAT_FLAGS) & EXIF_FLAG) notes.orientation = orientation(s);
  // A lossless picture is held whole, as is one that does not fill the canvas.
  notes.working_bytes = int64_t{size.height} * size.width * 7;
  return size;
}

// RGBA, as ImageOptions::marks.
void mark(const std::vector<uint8_t>& rgba, Image& image) {
  const uint8_t* from = rgba.data();
  for (size_t i = 0; i < image.rgb.size(); i += 3, from += 4) {
    uint8_t* to = image.rgb.data() + i;
    to[0] = std::max({from[0], from[1], from[2]}), to[1] = from[3], to[2] = 0;
  }
}

// The picture's pixels as RGB or marks, at the size of the image.
void decode(const Source& s, const WebPData& data, bool scaled, Image& image, ImageNotes& notes) {
  WebPDecoderConfig config;
  check(WebPInitDecoderConfig(&config), "webp: another version of the library");
  const bool marks = s.options.marks;
  std::vector<uint8_t> rgba(marks ? image.rgb.size() / 3 * 4 : 0);
  std::vector<uint8_t>& out = marks ? rgba : image.rgb;
  config.output.colorspace = marks ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = out.data();
  config.output.u.RGBA.stride = image.width * (marks ? 4 : 3);
  config.output.u.RGBA.size = out.size();
  config.options.use_scaling = scaled;
  config.options.scaled_width = image.width;
  config.options.scaled_height = image.height;
  const VP8StatusCode status = WebPDecode(data.bytes, data.size, &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_OK) {
    WebPBitstreamFeatures features;
    constexpr int kLossless = 2;
    notes.lossy = WebPGetFeatures(data.bytes, data.size, &features) != VP8_STATUS_OK || features.format != kLossless;
    if (marks) mark(rgba, image);
    return;
  }
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw ImageError(ImageFault::too_large, s.name, "WebP: out of memory");
  if (status == VP8_STATUS_UNSUPPORTED_FEATURE) unsupported(s, "WebP: a variant that is not read");
  corrupt(s, status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED ? "WebP: truncated" : "WebP: the pixels are damaged");
}

}  // namespace

PixelSize webp_extent(const Source& s, ImageNotes& notes) { return note(s, WebP(s, s.size() > s.bytes.size()), notes); }

Image decode_webp(const Source& s, ImageNotes& notes) {
  const WebP webp(s, false);
  const auto [height, width] = note(s, webp, notes);
  const Frame frame(s, webp);
  if (frame->height == height && frame->width == width) {
    const int factor = s.options.reduce;
    const PixelSize scaled = reduced({height, width}, factor);
    Image image(scaled.height, scaled.width);
    decode(s, frame->fragment, factor > 1, image, notes);
    notes.reduction = {static_cast<double>(height) / image.height, static_cast<double>(width) / image.width, 0, 0, {height, width}};
    return image;
  }
  Image picture(frame->height, frame->width);
  decode(s, frame->fragment, false, picture, notes);
  Canvas canvas(s, height, width);
  for (int y = 0; y < picture.height; ++y) canvas.put(frame->y_offset + y, frame->x_offset, picture.width, picture.at(y, 0));
  return canvas.finish(notes);
}

}  // namespace mr::image

namespace mr {

std::vector<uint8_t> encode_webp(const Image& image, float quality) {
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeRGB(image.rgb.data(), image.width, image.height, image.width * 3, quality, &bytes);
  const std::unique_ptr<uint8_t, void (*)(void*)> owner(bytes, WebPFree);
  check(size > 0, "encode_webp: an image of ", image.width, "×", image.height, " cannot be stored as WebP");
  return {bytes, bytes + size};
}

}  // namespace mr
