#include "train/event_file.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32.h"
#include "base/folders.h"

namespace mr {
namespace {

constexpr std::string_view prefix = "events.out.tfevents.", suffix = ".mrcnn";

// ---- protobuf ----

constexpr uint32_t summary_field = 5, session_field = 7;  // of Event
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
  append_text(e, session_field, log);
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

// ---- files ----

struct Record {
  int64_t step = 0;
  uint32_t kind = 0;  // the number of the field after the step: summary_field, session_field, …
  std::string bytes = {};
};

// Of a message as event() begins it.
Record record_of(std::string_view message) {
  constexpr size_t before = 10;  // wall_time, and the key of step
  uint64_t step = 0;
  for (size_t at = before, shift = 0; at + 1 < message.size() && shift < 64; ++at, shift += 7) {
    const auto byte = static_cast<uint8_t>(message[at]);
    step |= uint64_t{byte & 127u} << shift;
    if (byte < 128) return {static_cast<int64_t>(step), static_cast<uint32_t>(static_cast<uint8_t>(message[at + 1]) >> 3)};
  }
  return {};
}

// Takes what a file tells, as a reader does that has read the earlier ones; up to a record that is
// not whole.
void read_records(const std::string& path, std::vector<Record>& all) {
  constexpr size_t frame = 16, head = 12;
  const std::string text = read_text_file(path);
  for (size_t at = 0, size = 0; text.size() - at >= frame; at += frame + size) {
    uint64_t stated = 0;
    for (size_t i = 8; i-- > 0;) stated = stated << 8 | static_cast<uint8_t>(text[at + i]);
    if (stated > text.size() - at - frame) break;
    size = stated;
    const std::string message = text.substr(at + head, size);
    Record r = record_of(message);
    r.bytes = framed(message);
    if (text.compare(at, frame + size, r.bytes) != 0) break;
    if (r.kind == session_field) std::erase_if(all, [&r](const Record& earlier) { return earlier.step >= r.step; });
    if (r.kind == summary_field) all.push_back(std::move(r));
  }
}

struct Files {
  std::vector<std::string> ours = {};  // by rising name
  std::string next = {};               // whose name is the time, unless a file that is there already has it, or a later one
};

Files files_in(const std::string& folder) {
  Files files;
  auto seconds = static_cast<int64_t>(seconds_since_1970());
  for (const std::string& name : names_in(folder)) {
    int64_t its = 0;
    if (!name.starts_with(prefix)) continue;
    const char* digits = name.c_str() + prefix.size();
    if (std::from_chars(digits, name.c_str() + name.size(), its).ec == std::errc() && its < INT64_MAX) seconds = std::max(seconds, its + 1);
    if (name.ends_with(suffix)) files.ours.push_back(str(folder, "/", name));
  }
  std::ranges::sort(files.ours);
  files.next = str(folder, "/", prefix, seconds, suffix);
  return files;
}

// The path of a new file that holds what is kept of the others.
std::string begun(const std::string& folder, int64_t last_step) {
  const Files files = files_in(folder);
  std::string records = framed(version_event()) + framed(start_event(1));
  std::vector<Record> earlier;
  for (const std::string& path : files.ours) read_records(path, earlier);
  for (const Record& r : earlier)
    if (r.step <= last_step) records += r.bytes;
  write_text_file(files.next, records);
  std::error_code stays;
  for (const std::string& path : files.ours) std::filesystem::remove(path, stays);
  return files.next;
}

}  // namespace

EventFile::EventFile(const std::string& folder, int64_t last_step) : out_(begun(folder, last_step), true) {}

std::string EventFile::record(int64_t step, std::span<const NamedScalar> scalars) {
  std::string summary, e = event(step);
  for (const auto& [name, number] : scalars) {
    std::string value;
    append_text(value, 1, name);
    append_key(value, 2, fixed32);
    append_little_endian(value, std::bit_cast<uint32_t>(static_cast<float>(number)));
    append_text(summary, 1, value);
  }
  append_text(e, summary_field, summary);
  return framed(e);
}

}  // namespace mr
