// A bitmap font of our own, drawn as text pictures in font.cpp: ASCII 32 … 126; any other byte shows as '?'.
#pragma once

namespace mr {

inline constexpr int glyph_width = 5, glyph_height = 9, glyph_advance = 6;  // seven rows above the baseline, two below

bool glyph_pixel(char c, int x, int y);  // 0 ≤ x < glyph_width, 0 ≤ y < glyph_height

}  // namespace mr
