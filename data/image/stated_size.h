// Pictures as their annotations mean them.
//
// Cameras store some pictures on their side and say so in the EXIF orientation. Some programs show, and let people annotate, the upright
// picture; others the pixels as they are stored. The height and width that the annotations state say which it was where the orientation
// exchanges the two (5 … 8): the picture is read upright if they are those of the upright one, else as stored if they are those of the
// stored one. Where they tell nothing (a square picture, a half turn, a mirror image) it is read upright.
//
// errors: ImageError as read_image; ImageFault::other_size where neither fits, with what may be the cause
#pragma once

#include <string>

#include "data/image/image.h"

namespace mr {

Image read_image_of_size(const std::string& path, PixelSize stated, const ImageOptions& options = {});

// Whether the annotations mean the picture as it is stored, and not upright. Errors: other_size.
bool means_stored(const std::string& path, const ImageHeader& header, PixelSize stated);

// Throws what read_image_of_size would, as far as the header tells. It reads nothing else.
void check_image_header(const std::string& path, PixelSize stated, const ImageOptions& options = {});

}  // namespace mr
