#include "models/weights/zip.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/crc32.h"
#include "base/text.h"

namespace mr {
namespace {

constexpr uint32_t end_signature = 0x06054b50, end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr uint32_t central_signature = 0x02014b50, local_signature = 0x04034b50;
constexpr uint64_t end_bytes = 22, locator64_bytes = 20, end64_bytes = 56, central_bytes = 46, local_bytes = 30;
constexpr uint64_t largest_directory = 64 << 20;

// A little-endian number inside a record that the caller has checked to be long enough.
template <class T> T number(const std::string& record, size_t at) {
  T v;
  std::memcpy(&v, record.data() + at, sizeof v);
  return v;
}

struct Directory {
  uint64_t entries = 0, bytes = 0, begin = 0;
};

// The end record is the last thing in the file but for a comment of at most 65,535 bytes.
Directory find_directory(const InputFile& file, const std::string& where) {
  check(file.size() >= end_bytes, where, ": zip: expected an end record, got ", file.size(), " bytes");
  const uint64_t tail = std::min<uint64_t>(file.size(), end_bytes + 65535);
  const std::string text = file.read_text(file.size() - tail, tail);
  size_t at = text.size() - end_bytes;
  const auto is_end = [&](size_t i) {
    return number<uint32_t>(text, i) == end_signature && i + end_bytes + number<uint16_t>(text, i + 20) == text.size();
  };
  while (!is_end(at))
    check(at-- > 0, where, ": zip: no end record: the file is cut short (was it downloaded whole?), or not a zip archive");

  Directory d;
  check(number<uint16_t>(text, at + 4) == 0 && number<uint16_t>(text, at + 6) == 0, where, ": zip: expected one disk");
  d.entries = number<uint16_t>(text, at + 10);
  d.bytes = number<uint32_t>(text, at + 12);
  d.begin = number<uint32_t>(text, at + 16);
  if (d.entries == 0xffff || d.bytes == 0xffffffff || d.begin == 0xffffffff) {
    const uint64_t end_at = file.size() - tail + at;
    check(end_at >= locator64_bytes, where, ": zip: expected a zip64 locator");
    const std::string locator = file.read_text(end_at - locator64_bytes, locator64_bytes);
    check(number<uint32_t>(locator, 0) == locator64_signature, where, ": zip: expected a zip64 locator");
    const std::string end64 = file.read_text(number<uint64_t>(locator, 8), end64_bytes);
    check(number<uint32_t>(end64, 0) == end64_signature, where, ": zip: expected a zip64 end record");
    d.entries = number<uint64_t>(end64, 32);
    d.bytes = number<uint64_t>(end64, 40);
    d.begin = number<uint64_t>(end64, 48);
  }
  check(d.bytes <= largest_directory, where, ": zip: a directory of ", d.bytes, " bytes, more than ", largest_directory);
  check(d.begin <= file.size() && d.bytes <= file.size() - d.begin, where, ": zip: the directory lies past the end of the file");
  return d;
}

struct Central {
  std::string name;
  uint64_t stored = 0, bytes = 0, header = 0;  // size in the file, size when read, start of the local header
  uint32_t crc = 0;
  uint16_t flags = 0, method = 0, disk = 0;
};

// Sizes of 2^32 − 1 stand for 64-bit ones in the extra field 1, in this order.
void read_zip64_field(Central& c, const std::string& extra, const std::string& where) {
  for (size_t at = 0; at + 4 <= extra.size();) {
    const size_t id = number<uint16_t>(extra, at), bytes = number<uint16_t>(extra, at + 2);
    check(bytes <= extra.size() - at - 4, where, ": zip: ", printable(c.name), ": extra field is cut short");
    if (id == 1) {
      size_t from = at + 4;
      for (uint64_t* v : {&c.bytes, &c.stored, &c.header}) {
        if (*v != 0xffffffff) continue;
        check(from + 8 <= at + 4 + bytes, where, ": zip: ", printable(c.name), ": expected a 64-bit size");
        *v = number<uint64_t>(extra, from);
        from += 8;
      }
      return;
    }
    at += 4 + bytes;
  }
}

Central read_central(const std::string& directory, size_t& at, const std::string& where) {
  check(directory.size() - at >= central_bytes && number<uint32_t>(directory, at) == central_signature, where,
        ": zip: expected an entry at byte ", at, " of the directory");
  Central c;
  c.flags = number<uint16_t>(directory, at + 8);
  c.method = number<uint16_t>(directory, at + 10);
  c.crc = number<uint32_t>(directory, at + 16);
  c.stored = number<uint32_t>(directory, at + 20);
  c.bytes = number<uint32_t>(directory, at + 24);
  const size_t name_bytes = number<uint16_t>(directory, at + 28), extra_bytes = number<uint16_t>(directory, at + 30);
  const size_t comment_bytes = number<uint16_t>(directory, at + 32);
  c.disk = number<uint16_t>(directory, at + 34);
  c.header = number<uint32_t>(directory, at + 42);
  check(directory.size() - at - central_bytes >= name_bytes + extra_bytes + comment_bytes, where, ": zip: the entry at byte ", at,
        " of the directory is cut short");
  c.name = directory.substr(at + central_bytes, name_bytes);
  read_zip64_field(c, directory.substr(at + central_bytes + name_bytes, extra_bytes), where);
  at += central_bytes + name_bytes + extra_bytes + comment_bytes;
  return c;
}

// Sizes come from the directory; the local header, which may leave them out, only says where the contents begin.
ZipEntry locate(const InputFile& file, const Central& c, uint64_t limit, const std::string& where) {
  check((c.flags & 1) == 0, where, ": zip: ", printable(c.name), ": expected no encryption");
  check(c.method != 0 || c.stored == c.bytes, where, ": zip: ", printable(c.name), ": stored, but ", c.stored, " bytes claim to be ",
        c.bytes);
  check(c.disk == 0, where, ": zip: ", printable(c.name), ": expected one disk");
  check(c.header <= limit && limit - c.header >= local_bytes, where, ": zip: ", printable(c.name), ": its header lies past the end");
  const std::string local = file.read_text(c.header, local_bytes);
  check(number<uint32_t>(local, 0) == local_signature, where, ": zip: ", printable(c.name), ": expected a local header at ", c.header);
  const uint64_t name_bytes = number<uint16_t>(local, 26), extra_bytes = number<uint16_t>(local, 28);
  ZipEntry e{c.header + local_bytes + name_bytes + extra_bytes, c.stored, c.bytes, c.crc, c.method};
  check(e.begin <= limit && e.stored <= limit - e.begin, where, ": zip: ", printable(c.name), ": ", e.stored, " bytes at ", e.begin,
        " lie past the end");
  check(name_bytes == c.name.size() && file.read_text(c.header + local_bytes, name_bytes) == c.name, where, ": zip: ", printable(c.name),
        ": its local header has another name");
  return e;
}

}  // namespace

std::map<std::string, ZipEntry> read_zip_directory(const InputFile& file, const std::string& where) {
  const Directory d = find_directory(file, where);
  const std::string directory = file.read_text(d.begin, d.bytes);
  std::map<std::string, ZipEntry> entries;
  struct Range {
    uint64_t begin, end;
    std::string name;
  };
  std::vector<Range> ranges;
  size_t at = 0;
  for (uint64_t i = 0; i < d.entries; ++i) {
    const Central c = read_central(directory, at, where);
    const ZipEntry e = locate(file, c, d.begin, where);
    check(entries.emplace(c.name, e).second, where, ": zip: ", printable(c.name), " occurs twice");
    ranges.push_back({c.header, e.begin + e.stored, c.name});
  }
  check(at == directory.size(), where, ": zip: the directory holds more than its ", d.entries, " entries");
  std::ranges::sort(ranges, {}, &Range::begin);
  for (size_t i = 1; i < ranges.size(); ++i)
    check(ranges[i].begin >= ranges[i - 1].end, where, ": zip: ", printable(ranges[i].name), " overlaps ", printable(ranges[i - 1].name));
  return entries;
}

void check_stored(const ZipEntry& e, const std::string& name, const std::string& where) {
  check(e.method == 0, where, ": zip: ", printable(name), ": expected a stored entry, got compression method ", e.method, " (", e.stored,
        " bytes that claim to be ", e.bytes, "): the archive was packed again; unzip it and zip it with -0, or save the weights anew");
}

void read_zip_entry(const InputFile& file, const ZipEntry& entry, const std::string& where, std::span<std::byte> out) {
  file.read(entry.begin, out);
  check(entry.crc == 0 || crc32(out) == entry.crc, where, ": the contents do not match their checksum: the file is damaged");
}

}  // namespace mr
