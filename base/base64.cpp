#include "base/base64.h"

#include <algorithm>

namespace mr {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::span<const uint8_t> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; ++k) out += k <= left ? alphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::optional<std::vector<uint8_t>> base64_bytes(std::string_view text) {
  int8_t value[256];
  for (int8_t& v : value) v = -1;
  for (size_t i = 0; i < alphabet.size(); ++i) value[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);

  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  int have = 0, fill = 0;  // characters of the group, and '=' seen
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    const int8_t v = c == '=' ? int8_t{0} : value[static_cast<unsigned char>(c)];
    if (v < 0 || (fill > 0 && c != '=')) return {};
    fill += c == '=';
    group = group << 6 | static_cast<uint32_t>(v);
    if (++have < 4) continue;
    if (fill > 2) return {};
    for (int k = 0; k < 3 - fill; ++k) bytes.push_back(static_cast<uint8_t>(group >> (16 - 8 * k)));
    group = 0, have = 0;
  }
  if (have != 0) return {};
  return bytes;
}

}  // namespace mr
