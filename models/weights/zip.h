// The zip archives that torch.save writes: entries stored without compression,
// found by the central directory.
// An encrypted or overlapping entry, a size that disagrees with itself, or a second disk is an
// error, and so is reading an entry that is compressed: there is nothing in such a file that can
// grow when it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/files.h"

namespace mr {

struct ZipEntry {
  uint64_t begin = 0, stored = 0;  // of its contents, in the file
  uint64_t bytes = 0;              // when they are read: more than `stored` where the entry is compressed
  uint32_t crc = 0;
  uint16_t method = 0;  // 0: stored; another: compressed, so that the entry's name is all that can be read
};

// Every entry, by name. `where` starts the messages.
std::map<std::string, ZipEntry> read_zip_directory(const InputFile& file, const std::string& where);

// Errors: the entry is compressed.
void check_stored(const ZipEntry& entry, const std::string& name, const std::string& where);

// The contents of a stored entry, their checksum verified; 0 stands for none
// (torch.serialization.set_crc32_options(False)).
// `out` has entry.bytes bytes.
void read_zip_entry(const InputFile& file, const ZipEntry& entry, const std::string& where, std::span<std::byte> out);

}  // namespace mr
