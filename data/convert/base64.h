// Base64 (RFC 4648): four characters of "A…Z a…z 0…9 + /" are three bytes; '=' fills the last group. Blanks between are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mr::convert {

std::optional<std::vector<uint8_t>> base64_bytes(std::string_view text);  // nothing where it is not Base64

}  // namespace mr::convert
