// predict WEIGHTS IMAGE: one line an object. The weights file alone says what network it is, and what its classes are.
#include <cstdio>
#include <exception>

#include "maskrcnn/data/image/image.h"
#include "maskrcnn/train/detector.h"

int main(int argc, char** argv) try {
  if (argc != 3) return std::fprintf(stderr, "usage: predict WEIGHTS IMAGE\n"), 2;
  const mr::Detector detector = mr::load_detector(argv[1]);
  for (const mr::Detection& d : mr::detect(detector, mr::read_image(argv[2]))) {
    const char* name = detector.classes.names[static_cast<size_t>(d.label) - 1].c_str();
    std::printf("%-16s %.2f  box %.1f %.1f %.1f %.1f  mask %dx%d\n", name, d.score, d.box.x1, d.box.y1, d.box.x2, d.box.y2,
                d.mask.bits.width, d.mask.bits.height);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "predict: %s\n", e.what());
  return 1;
}
