// Numbers of COCO's files, as people's programs write them.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/json_reader.h"

namespace mr {

// For a message: what stood where a number was wanted.
inline std::string shown_instead_of_number(JsonReader& json) {
  const bool text = json.kind() == JsonReader::Kind::string;
  return str(json.skipped(), text ? ", a text (a number stands without quotes)" : "");
}

// A whole number: 7, or 7.0 from a program that knows no other numbers. False where it is none, and why.
inline bool read_whole(JsonReader& json, int64_t& out, std::string& why) {
  constexpr double kExact = 9007199254740992;  // 2^53: up to here a double is one whole number
  if (json.kind() != JsonReader::Kind::number) {
    why = "must be an integer of 64 bits, got " + shown_instead_of_number(json);
    return false;
  }
  const JsonNumber n = json.number();
  out = n.integer;
  if (n.is_integer) return true;
  if (std::abs(n.value) <= kExact && n.value == std::trunc(n.value)) {
    out = static_cast<int64_t>(n.value);
    return true;
  }
  why = str("must be an integer of 64 bits, got ", n.text);
  return false;
}

// A finite number. False where it is none, and why.
inline bool read_finite(JsonReader& json, double& out, std::string& why) {
  if (json.kind() != JsonReader::Kind::number) {
    why = "must be a number, got " + shown_instead_of_number(json);
    return false;
  }
  out = json.number().value;
  if (std::isfinite(out)) return true;
  why = str("must be finite, got ", out);
  return false;
}

}  // namespace mr
