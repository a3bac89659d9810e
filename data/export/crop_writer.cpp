#include "data/export/crop_writer.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/check.h"
#include "base/files.h"
#include "data/export/files.h"
#include "data/image/image.h"
#include "data/transforms/transforms.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// `length` pixels of [0, end) around `middle`, or all of them where there are fewer.
int begin_of(double middle, int length, int end) {
  return static_cast<int>(std::clamp(std::lround(middle - length / 2.0), 0L, static_cast<long>(end - length)));
}

Window square_around(const Box& b, const Image& image, double margin) {
  const int side = static_cast<int>(std::lround((1 + 2 * margin) * std::max(b.width(), b.height())));
  Window w;
  w.height = std::clamp(side, 1, image.height), w.width = std::clamp(side, 1, image.width);
  w.y = begin_of((b.y1 + b.y2) / 2, w.height, image.height), w.x = begin_of((b.x1 + b.x2) / 2, w.width, image.width);
  return w;
}

}  // namespace

int64_t write_crops(const Dataset& d, const std::string& folder, const CropOptions& o) {
  check(o.margin >= 0 && o.side >= 0, "crops: margin and side must be 0 or more, got ", o.margin, " and ", o.side);
  for (const std::string& name : d.class_names()) {
    check(!name.empty() && name[0] != '.' && name.find('/') == std::string::npos, "crops: the class '", name,
          "' cannot name a folder: expected a name that does not begin with '.' and holds no '/'");
    check_absent(str(folder, "/", name), another_name);
  }
  for (const std::string& name : d.class_names()) make_folder(str(folder, "/", name));
  std::atomic<int64_t> written = 0;
  parallel_for(d.size(), 1, [&](int64_t i) {
    const Sample s = d.sample(i);
    for (size_t k = 0; k < s.instances.size(); ++k) {
      const Instance& object = s.instances[k];
      if (object.crowd || std::max(object.box.width(), object.box.height()) < o.least_side) continue;
      const Window w = square_around(object.box, s.image, o.margin);
      const std::string& name = d.class_names()[static_cast<size_t>(object.label) - 1];
      write_png(str(folder, "/", name, "/", padded(s.info.image_id, 6), "_", k + 1, ".png"),
                cropped(s.image, w, o.side > 0 ? o.side : w.height, o.side > 0 ? o.side : w.width));
      ++written;
    }
  });
  return written;
}

}  // namespace mr
