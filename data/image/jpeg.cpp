// JPEG through libjpeg-turbo's libjpeg interface.
//
// libjpeg reports errors by longjmp. So that no C++ object is jumped over, the two functions with a setjmp touch only plain
// structs and already allocated memory, and return false; the C++ around them turns that into an ImageError.
#include <algorithm>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it first
#include <cstring>

#include <jerror.h>
#include <jpeglib.h>

#include "data/image/canvas.h"

namespace mr::image {
namespace {

// libjpeg-turbo has a fast Huffman decoder that takes bad codes for zeros without a word; it runs where 512 bytes or more are in
// the buffer. Handed out in smaller pieces, every code goes through the decoder that checks.
constexpr size_t kPiece = 511;

struct Reader {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg_source_mgr input;
  const uint8_t* bytes;
  size_t size, handed_out;
  jpeg_progress_mgr progress;
  jmp_buf escape;
  int max_scans;
  int64_t warnings;  // without effect on the pixels
  ImageFault fault;
  char message[JMSG_LENGTH_MAX];
};

Reader& reader(j_decompress_ptr jpeg) { return *static_cast<Reader*>(jpeg->client_data); }
Reader& reader(j_common_ptr jpeg) { return *static_cast<Reader*>(jpeg->client_data); }

ImageFault fault_of(int code) {
  switch (code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
      return ImageFault::unsupported;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
    case JERR_OUT_OF_MEMORY:
      return ImageFault::too_large;
    default:
      return ImageFault::corrupt;
  }
}

[[noreturn]] void on_error(j_common_ptr jpeg) {
  Reader& r = reader(jpeg);
  r.fault = fault_of(r.errors.msg_code);
  r.errors.format_message(jpeg, r.message);
  std::longjmp(r.escape, 1);
}

// Warnings (level −1) are libjpeg's way of going on with made-up pixels: errors here, but for those that leave the pixels alone.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  Reader& r = reader(jpeg);
  switch (r.errors.msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_ICC:
      ++r.warnings;
      return;
    default:
      on_error(jpeg);
  }
}

void on_progress(j_common_ptr jpeg) {
  Reader& r = reader(jpeg);
  if (r.jpeg.input_scan_number <= r.max_scans) return;
  r.fault = ImageFault::too_large;
  std::snprintf(r.message, sizeof r.message, "more than %d scans", r.max_scans);
  std::longjmp(r.escape, 1);
}

boolean next_piece(j_decompress_ptr jpeg) {
  Reader& r = reader(jpeg);
  if (r.handed_out == r.size) WARNMS(jpeg, JWRN_JPEG_EOF);  // does not return
  r.input.next_input_byte = r.bytes + r.handed_out;
  r.input.bytes_in_buffer = std::min(kPiece, r.size - r.handed_out);
  r.handed_out += r.input.bytes_in_buffer;
  return TRUE;
}

void skip_input(j_decompress_ptr jpeg, long n) {
  Reader& r = reader(jpeg);
  if (n <= 0) return;
  const size_t skip = static_cast<size_t>(n), here = std::min(skip, r.input.bytes_in_buffer);
  r.input.next_input_byte += here;
  r.input.bytes_in_buffer -= here;
  r.handed_out += std::min(skip - here, r.size - r.handed_out);
}

// setjmp inside.
bool read_header(Reader& r) {
  if (setjmp(r.escape)) return false;
  jpeg_create_decompress(&r.jpeg);
  r.progress.progress_monitor = on_progress;
  r.jpeg.progress = &r.progress;
  r.input.init_source = [](j_decompress_ptr) {};
  r.input.fill_input_buffer = next_piece;
  r.input.skip_input_data = skip_input;
  r.input.resync_to_restart = jpeg_resync_to_restart;
  r.input.term_source = [](j_decompress_ptr) {};
  r.jpeg.src = &r.input;
  jpeg_save_markers(&r.jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&r.jpeg, TRUE);
  return true;
}

// setjmp inside. out: `height` rows of `stride` bytes.
bool read_rows(Reader& r, uint8_t* out, size_t stride, JDIMENSION height) {
  if (setjmp(r.escape)) return false;
  r.jpeg.dct_method = JDCT_ISLOW;
  r.jpeg.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&r.jpeg);
  while (r.jpeg.output_scanline < height) {
    JSAMPROW row = out + r.jpeg.output_scanline * stride;
    jpeg_read_scanlines(&r.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&r.jpeg);
  return true;
}

class Jpeg {
 public:
  explicit Jpeg(const Source& s) : source_(s) {
    std::memset(&reader_, 0, sizeof reader_);
    reader_.jpeg.err = jpeg_std_error(&reader_.errors);
    reader_.errors.error_exit = on_error;
    reader_.errors.emit_message = on_message;
    reader_.jpeg.client_data = &reader_;
    reader_.max_scans = s.options.max_scans;
    if (s.bytes.empty()) corrupt(s, "the file is empty");
    reader_.bytes = s.bytes.data();
    reader_.size = s.bytes.size();
    if (!read_header(reader_)) {
      const ImageError error = failure();
      jpeg_destroy_decompress(&reader_.jpeg);
      throw error;
    }
  }
  ~Jpeg() { jpeg_destroy_decompress(&reader_.jpeg); }
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;

  jpeg_decompress_struct& info() { return reader_.jpeg; }
  int64_t warnings() const { return reader_.warnings; }

  void read(uint8_t* out, size_t stride, int height) {
    if (!read_rows(reader_, out, stride, static_cast<JDIMENSION>(height))) throw failure();
  }

  PixelSize extent(ImageNotes& notes) {
    check_extent(source_, reader_.jpeg.image_height, reader_.jpeg.image_width);
    if (jpeg_has_multiple_scans(&reader_.jpeg)) notes.working_bytes = coefficients();
    notes.channels = reader_.jpeg.num_components;
    notes.bits = 8;
    notes.lossy = true;
    notes.orientation = orientation();
    return {static_cast<int>(reader_.jpeg.image_height), static_cast<int>(reader_.jpeg.image_width)};
  }

 private:
  ImageError failure() const {
    const char* kind = reader_.fault == ImageFault::corrupt ? "corrupt: " : "";
    return ImageError(reader_.fault, source_.name, str(kind, "JPEG: ", reader_.message));
  }

  // Of a file in several scans (a progressive one), each of which goes over the whole picture.
  int64_t coefficients() const {
    int64_t bytes = 0;
    for (int c = 0; c < reader_.jpeg.num_components; ++c) {
      const jpeg_component_info& info = reader_.jpeg.comp_info[c];
      bytes += int64_t{info.width_in_blocks} * info.height_in_blocks * static_cast<int64_t>(sizeof(JBLOCK));
    }
    return bytes;
  }

  int orientation() const {
    for (jpeg_saved_marker_ptr m = reader_.jpeg.marker_list; m; m = m->next)
      if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && std::memcmp(m->data, "Exif\0", 6) == 0)
        return exif_orientation({m->data + 6, m->data_length - 6});
    return 1;
  }

  Source source_;
  Reader reader_;
};

// Files with an Adobe marker store 255 − ink, the others ink; RGB = (255 − ink)·(255 − black) / 255.
void cmyk_to_rgb(const std::vector<uint8_t>& cmyk, bool inverted, Image& image) {
  const unsigned flip = inverted ? 0 : 255;
  const uint8_t* p = cmyk.data();
  for (size_t i = 0; i < image.rgb.size(); i += 3, p += 4) {
    const unsigned k = p[3] ^ flip;
    for (size_t c = 0; c < 3; ++c) image.rgb[i + c] = static_cast<uint8_t>(((p[c] ^ flip) * k + 127) / 255);
  }
}

}  // namespace

int jpeg_reduction(int reduce) { return reduce >= 8 ? 8 : reduce >= 4 ? 4 : reduce >= 2 ? 2 : 1; }

PixelSize jpeg_extent(const Source& s, ImageNotes& notes) { return Jpeg(s).extent(notes); }

Image decode_jpeg(const Source& s, ImageNotes& notes) {
  Jpeg jpeg(s);
  notes.reduction.whole = jpeg.extent(notes);
  jpeg_decompress_struct& info = jpeg.info();
  const int factor = jpeg_reduction(s.options.reduce);
  notes.reduction.fy = notes.reduction.fx = factor;
  const PixelSize scaled = reduced({static_cast<int>(info.image_height), static_cast<int>(info.image_width)}, factor);
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(factor);
  Image image(scaled.height, scaled.width);
  if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK) {
    info.out_color_space = JCS_CMYK;
    const size_t stride = static_cast<size_t>(image.width) * 4;
    std::vector<uint8_t> cmyk(stride * static_cast<size_t>(image.height));
    jpeg.read(cmyk.data(), stride, image.height);
    cmyk_to_rgb(cmyk, info.saw_Adobe_marker, image);
  } else {
    info.out_color_space = JCS_RGB;
    jpeg.read(image.rgb.data(), static_cast<size_t>(image.width) * 3, image.height);
  }
  notes.warnings = jpeg.warnings();
  return image;
}

}  // namespace mr::image
