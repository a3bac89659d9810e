// The lines under a picture that say what its colours and numbers mean.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/draw/primitives.h"

namespace mr {

struct LegendEntry {
  std::vector<Rgb> colours;  // shown as small squares before the text
  std::string text;          // of the font's characters (data/draw/font.h)
};

// A strip as wide as the picture: the entries in columns, from the top down. `scale`: of the letters. A text that is wider than
// the strip is broken into lines. Errors: a width in which no letter has room.
Image legend(std::span<const LegendEntry> entries, int width, int scale);

// The strip that legend makes, under the picture. Errors: it has another width.
void append_below(Image& picture, const Image& strip);

}  // namespace mr
