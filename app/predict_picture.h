// One picture on its way through `mrcnn predict`: read at what the network needs, and drawn with what was found in it.
#pragma once

#include <optional>
#include <string>

#include "data/draw/detections.h"
#include "data/image/image.h"
#include "train/detector.h"

namespace mr::app {

struct Picture {
  Image image;
  ImageNotes notes;
  PixelSize size() const { return notes.reduction.whole; }  // of the whole picture, as it was turned
};

// Pictures of more than 2^25 pixels (33 million) are read at a fraction of their size: as far as the network sees no less of them, and further
// where it would see more than 2^24 pixels (recipes that look at pictures in their own size). Not so with `whole`.
// `stated`: the size by which annotations tell whether they mean it upright or as stored; without them it is read upright.
// Errors: ImageError; also where more memory would be needed than there is, before it is taken.
Picture read_picture(const std::string& path, const Detector& detector, bool whole, std::optional<PixelSize> stated = {});

struct DrawnPicture {
  Image image;     // with its legend, if there is one
  PixelSize size;  // of the picture in it
};

// What was found, over the picture as it was read times options.scale; over a smaller one where it would have more than 2^27 pixels, or the
// masks together more than 2^28. Options: as for draw_detections; a picture of one class has a colour an instance.
DrawnPicture drawing(Picture picture, const FoundObjects& found, const Classes& classes, DrawOptions options);

}  // namespace mr::app
