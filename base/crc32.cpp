#include "base/crc32.h"

#include <array>
#include <cstring>

namespace mr {
namespace {

// tables[k][b]: the checksum of byte b followed by k zero bytes, so that eight bytes are taken at once ("slicing by 8").
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables tables_of(uint32_t polynomial) {
  Tables t{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t c = b;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) ? polynomial : 0);
    t[0][b] = c;
  }
  for (uint32_t b = 0; b < 256; ++b)
    for (size_t k = 1; k < 8; ++k) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 255];
  return t;
}

constexpr Tables zip = tables_of(0xedb88320u), castagnoli = tables_of(0x82f63b78u);

uint32_t checksum(const Tables& t, std::span<const std::byte> bytes, uint32_t before) {
  uint32_t c = ~before;
  const std::byte* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + 4, 4);
    low ^= c;
    c = t[7][low & 255] ^ t[6][(low >> 8) & 255] ^ t[5][(low >> 16) & 255] ^ t[4][low >> 24] ^ t[3][high & 255] ^ t[2][(high >> 8) & 255] ^
        t[1][(high >> 16) & 255] ^ t[0][high >> 24];
  }
  for (; n > 0; --n, ++p) c = (c >> 8) ^ t[0][(c ^ static_cast<uint32_t>(*p)) & 255];
  return ~c;
}

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) { return checksum(zip, bytes, before); }
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before) { return checksum(castagnoli, bytes, before); }

}  // namespace mr
