// A picture of one object: its pixels are those that are not black.
//
// Black is what PIL's convert("L") makes 0 of, which the result files of Cityscapes are read with:
//   (19595 R + 38470 G + 7471 B + 2^15) / 2^16, rounded down; a palette is looked up; alpha and
//   orientation have no effect; of grey pictures any sample that is not 0, however deep, is inside.
//
// errors: as read_image
#pragma once

#include <string>

#include "geometry/mask.h"

namespace mr {

CroppedMask read_mask_picture(const std::string& path);  // cut to a part of the picture outside which it is black

}  // namespace mr
