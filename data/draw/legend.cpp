#include "data/draw/legend.h"

#include <algorithm>

#include "base/check.h"
#include "data/draw/font.h"

namespace mr {

namespace {

constexpr Rgb paper{24, 24, 24}, ink{236, 236, 236};
constexpr int row = 12, square = 8, gap = 4, margin = 4;  // times the scale of the letters

int left_of_text(const LegendEntry& e, int scale) { return static_cast<int>(e.colours.size()) * (square + gap) * scale; }
int width_of(const LegendEntry& e, int scale) { return left_of_text(e, scale) + text_width(e.text, scale); }

// The same entries, none wider than `width`: the rest of a longer one stands in lines of its own.
std::vector<LegendEntry> broken(std::span<const LegendEntry> entries, int width, int scale) {
  std::vector<LegendEntry> lines;
  for (const LegendEntry& whole : entries) {
    LegendEntry e = whole;
    while (width_of(e, scale) > width) {
      const int room = (width - left_of_text(e, scale)) / (glyph_advance * scale);
      check(room > 0, "legend: no letter has room in ", width, " pixels beside ", e.colours.size(), " colours");
      const size_t space = e.text.rfind(' ', static_cast<size_t>(room));
      const size_t end = space == std::string::npos || space == 0 ? static_cast<size_t>(room) : space;
      lines.push_back({e.colours, e.text.substr(0, end)});
      const size_t next = e.text.find_first_not_of(' ', end);
      e = {{}, next == std::string::npos ? "" : e.text.substr(next)};
    }
    if (!e.colours.empty() || !e.text.empty()) lines.push_back(e);
  }
  return lines;
}

}  // namespace

Image legend(std::span<const LegendEntry> entries, int width, int scale) {
  const int around = margin * scale;
  const std::vector<LegendEntry> lines = broken(entries, width - 2 * around, scale);
  int widest = 1;
  for (const LegendEntry& e : lines) widest = std::max(widest, width_of(e, scale));
  const int column = widest + 2 * around, columns = std::max(1, width / column);
  const int n = static_cast<int>(lines.size()), rows = (n + columns - 1) / columns;
  Image strip(rows * row * scale + (n > 0 ? 2 * around : 0), width);
  const auto area = [](int x, int y, int w, int h) {
    return Box{static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w), static_cast<float>(y + h)};
  };
  fill_rectangle(strip, area(0, 0, width, strip.height), paper);
  for (int i = 0; i < n; ++i) {
    const LegendEntry& e = lines[static_cast<size_t>(i)];
    const int y = around + i % rows * row * scale;
    int x = around + i / rows * column;
    for (const Rgb& c : e.colours) {
      fill_rectangle(strip, area(x, y, square * scale, square * scale), c);
      x += (square + gap) * scale;
    }
    draw_text(strip, y, x, e.text, ink, scale);
  }
  return strip;
}

void append_below(Image& picture, const Image& strip) {
  check(picture.width == strip.width, "append_below: expected a strip of the picture's width ", picture.width, ", got ", strip.width);
  picture.height += strip.height;
  picture.rgb.insert(picture.rgb.end(), strip.rgb.begin(), strip.rgb.end());
}

}  // namespace mr
