// Checksums of 32 bits, of `bytes` after those summed up in `before`.
//
//   crc32     zip's and PNG's: polynomial 0xedb88320
//   crc32c    Castagnoli's, of TensorBoard's records: polynomial 0x82f63b78      (both with the lowest bit first)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mr {

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace mr
