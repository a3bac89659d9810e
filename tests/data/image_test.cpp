#include "data/image/image.h"

#include <unistd.h>

#include <filesystem>

#include "tensor/rng.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / str("mr_image_test_", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

Image noise(int height, int width) {
  Image image(height, width);
  Rng rng(1, "noise");
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(rng.next());
  return image;
}

}  // namespace

TEST_CASE("PNG files keep every pixel", "[image]") {
  const Folder folder;
  const Image image = noise(13, 17);
  write_png(folder / "a.png", image);
  const Image back = read_image(folder / "a.png");
  CHECK(back.height == 13);
  CHECK(back.width == 17);
  CHECK(back.rgb == image.rgb);
  CHECK(image_size(folder / "a.png") == ImageExtent{13, 17});

  Bitmap16 ids(3, 2);
  ids.pixels = {0, 26003, 65535, 255, 256, 1};
  write_png(folder / "ids.png", ids);
  CHECK(read_png16(folder / "ids.png").pixels == ids.pixels);

  Bitmap grey(2, 3);
  grey.pixels = {0, 1, 2, 253, 254, 255};
  write_png(folder / "grey.png", grey);
  CHECK(read_png16(folder / "grey.png").pixels == std::vector<uint16_t>{0, 1, 2, 253, 254, 255});
  CHECK(read_image(folder / "grey.png").rgb[9] == 253);
}
