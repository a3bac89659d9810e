#include "tensor/files.h"

#include <string>

#include "tensor/check.h"
#include "tests/catch.h"

using namespace mr;

TEST_CASE("crc32: the check value of its definition, lengths 0 to 8 and a split", "[files]") {
  const std::string text = "123456789 and some more of it, past two words";
  const auto bytes = std::as_bytes(std::span(text));
  CHECK(crc32(bytes.first(9)) == 0xcbf43926u);
  CHECK(crc32(bytes.first(0)) == 0);
  for (size_t n = 0; n < text.size(); ++n) {
    uint32_t c = ~0u;  // bit by bit
    for (size_t i = 0; i < n; ++i)
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ (((c ^ static_cast<uint32_t>(bytes[i]) >> bit) & 1) ? 0xedb88320u : 0);
    CHECK(crc32(bytes.first(n)) == ~c);
    CHECK(crc32(bytes.subspan(n), crc32(bytes.first(n))) == crc32(bytes));
  }
}
