#include "train/event_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <string_view>

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32.h"
#include "base/folders.h"

namespace mr {
namespace {

constexpr std::string_view prefix = "events.out.tfevents.", suffix = ".mrcnn";

// ---- protobuf ----

enum Wire : uint8_t { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

template <class Unsigned> void append_little_endian(std::string& out, Unsigned v) {
  for (size_t i = 0; i < sizeof v; ++i) out += static_cast<char>(v >> (8 * i) & 255);
}

// Seven bits a byte, the lowest first; the highest bit of a byte says that more follow.
void append_varint(std::string& out, uint64_t v) {
  for (; v > 127; v >>= 7) out += static_cast<char>((v & 127) | 128);
  out += static_cast<char>(v);
}

void append_key(std::string& out, uint32_t field, Wire wire) { append_varint(out, field << 3 | wire); }

void append_text(std::string& out, uint32_t field, std::string_view text) {
  append_key(out, field, length_delimited);
  append_varint(out, text.size());
  out += text;
}

std::string event(int64_t step) {
  std::string e;
  append_key(e, 1, fixed64);
  append_little_endian(e, std::bit_cast<uint64_t>(seconds_since_1970()));
  append_key(e, 2, varint);
  append_varint(e, static_cast<uint64_t>(step));
  return e;
}

std::string start_event(int64_t step) {
  std::string log, e = event(step);
  append_key(log, 1, varint);
  append_varint(log, 1);
  append_text(e, 7, log);
  return e;
}

std::string version_event() {
  std::string e = event(0);
  append_text(e, 3, "brain.Event:2");
  return e;
}

// ---- records ----

uint32_t masked_checksum(std::string_view bytes) { return std::rotr(crc32c(std::as_bytes(std::span(bytes))), 15) + 0xa282ead8u; }

std::string framed(const std::string& event) {
  std::string record;
  append_little_endian(record, uint64_t{event.size()});
  append_little_endian(record, masked_checksum(record));
  record += event;
  append_little_endian(record, masked_checksum(event));
  return record;
}

// The time, unless a file that is there already has it, or a later one.
std::string new_path(const std::string& folder) {
  auto seconds = static_cast<int64_t>(seconds_since_1970());
  for (const std::string& name : names_in(folder)) {
    int64_t its = 0;
    if (!name.starts_with(prefix)) continue;
    const char* digits = name.c_str() + prefix.size();
    if (std::from_chars(digits, name.c_str() + name.size(), its).ec == std::errc() && its < INT64_MAX) seconds = std::max(seconds, its + 1);
  }
  return str(folder, "/", prefix, seconds, suffix);
}

}  // namespace

EventFile::EventFile(const std::string& folder, int64_t first_step) : out_(new_path(folder), false) {
  append(framed(version_event()) + framed(start_event(first_step)));
}

std::string EventFile::record(int64_t step, std::span<const NamedScalar> scalars) {
  std::string summary, e = event(step);
  for (const auto& [name, number] : scalars) {
    std::string value;
    append_text(value, 1, name);
    append_key(value, 2, fixed32);
    append_little_endian(value, std::bit_cast<uint32_t>(static_cast<float>(number)));
    append_text(summary, 1, value);
  }
  append_text(e, 5, summary);
  return framed(e);
}

}  // namespace mr
