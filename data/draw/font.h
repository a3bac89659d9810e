// A bitmap font of our own, drawn as text pictures in font.cpp: ASCII 32 … 126; any other byte shows as '?'.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mr {

inline constexpr int glyph_width = 5, glyph_height = 9, glyph_advance = 6;  // seven rows above the baseline, two below

bool glyph_pixel(char c, int x, int y);  // 0 ≤ x < glyph_width, 0 ≤ y < glyph_height

// UTF-8 text in the characters that the font has: Latin letters without their marks (ä a, ž z). Nothing where another character is in it.
std::optional<std::string> in_font(std::string_view text);

}  // namespace mr
