// A picture in few bytes that are quick to read, without loss: each row less the row above it (byte
// by byte, modulo 256; photographs are smooth, so most of what is left is near 0), compressed by
// Zstandard at its lowest level, with Zstandard's checksum of what was compressed.
//
//   packed(image)                        about half of a photograph's 3·H·W bytes
//   unpacked(bytes, {H, W})              the same image
//
// errors: unpacked: bytes that are cut short, damaged, or of a picture of another size.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace mr {

std::vector<std::byte> packed(const Image& image);
Image unpacked(std::span<const std::byte> bytes, PixelSize size);

}  // namespace mr
