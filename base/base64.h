// Base64 (RFC 4648): four characters of "A…Z a…z 0…9 + /" are three bytes; '=' fills the last
// group.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mr {

std::string base64(std::span<const uint8_t> bytes);
// The bytes of such a text; blanks in it are passed over. Nothing where it is not Base64.
std::optional<std::vector<uint8_t>> base64_bytes(std::string_view text);

}  // namespace mr
