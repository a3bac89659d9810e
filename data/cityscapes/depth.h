// How far away the objects of an image are, by the depth that Cityscapes offers beside it:
//
//   ROOT/disparity/<split>/<city>/<name>_disparity.png     16 bits: p = 0 where it is not known,
//                                                          else d = (p − 1)/256 pixels
//   ROOT/camera/<split>/<city>/<name>_camera.json          {"extrinsic": {"baseline": b},
//                                                          "intrinsic": {"fx": f}}; depth = b·f/d
//                                                          metres
//
// errors: ImageError of the disparity, also for another size or 8 bits; a camera file without these
// numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "data/cityscapes/evaluation.h"
#include "data/image/image.h"

namespace mr {

struct CityscapesDepthFiles {
  std::string disparity, camera;
};

// Beside the ground truth ROOT/gtFine/<split>/<city>/<name>_gtFine_…; none where one of the two is
// not there.
std::optional<CityscapesDepthFiles> cityscapes_depth_files(const std::string& truth);

// Of every number in the map.
std::map<uint16_t, CityscapesDistance> cityscapes_distances(const Bitmap16& ids, const CityscapesDepthFiles& files);

}  // namespace mr
