// Files for the tests of weight files, good and bad, put together byte by byte.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/crc32.h"
#include "base/files.h"
#include "tests/folder.h"

namespace mr::test {

inline std::string read_file(const std::string& path) {
  const InputFile file(path);
  return file.read_text(0, file.size());
}

template <class T> std::string le(T v) {
  std::string s(sizeof v, '\0');
  std::memcpy(s.data(), &v, sizeof v);
  return s;
}

inline std::string floats(std::initializer_list<float> values) {
  std::string s;
  for (const float v : values) s += le(v);
  return s;
}

// safetensors: the header as given, then the values.
inline std::string safetensors(const std::string& header, const std::string& values) {
  return le<uint64_t>(header.size()) + header + values;
}

struct ZipPart {
  std::string name, contents;
  uint16_t method = 0;
  uint32_t claimed = UINT32_MAX;  // the uncompressed size in the directory; UINT32_MAX: the true one
  uint16_t flags = 0;
};

inline std::string zip(const std::vector<ZipPart>& parts) {
  std::string file, directory;
  for (const ZipPart& p : parts) {
    const auto size = static_cast<uint32_t>(p.contents.size());
    const uint32_t crc = crc32(std::as_bytes(std::span(p.contents))), claimed = p.claimed == UINT32_MAX ? size : p.claimed;
    const auto name_bytes = static_cast<uint16_t>(p.name.size());
    const std::string common =
        le(p.flags) + le(p.method) + le<uint32_t>(0) + le(crc) + le(size) + le(claimed) + le(name_bytes) + le<uint16_t>(0);
    directory += "PK\x01\x02" + le<uint16_t>(20) + le<uint16_t>(20) + common + le<uint16_t>(0) + le<uint16_t>(0) + le<uint16_t>(0) +
                 le<uint32_t>(0) + le(static_cast<uint32_t>(file.size())) + p.name;
    file += "PK\x03\x04" + le<uint16_t>(20) + common + p.name + p.contents;
  }
  const auto n = static_cast<uint16_t>(parts.size());
  return file + directory + "PK\x05\x06" + le<uint16_t>(0) + le<uint16_t>(0) + le(n) + le(n) + le(static_cast<uint32_t>(directory.size())) +
         le(static_cast<uint32_t>(file.size())) + le<uint16_t>(0);
}

// Pieces of a pickle, protocol 2.
inline std::string text(std::string_view s) { return "X" + le(static_cast<uint32_t>(s.size())) + std::string(s); }
inline std::string integer(int32_t v) { return "J" + le(v); }
inline std::string storage(std::string_view type, std::string_view key, int32_t numel) {
  return "(" + text("storage") + "c" + std::string(type) + "\n" + text(key) + text("cpu") + integer(numel) + "tQ";
}
inline std::string tuple(const std::vector<int32_t>& values) {
  std::string s = "(";
  for (const int32_t v : values) s += integer(v);
  return s + "t";
}
inline std::string tensor(const std::string& storage, int32_t offset, const std::vector<int32_t>& sizes,
                          const std::vector<int32_t>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + integer(offset) + tuple(sizes) + tuple(strides) + "\x89" +
         "ccollections\nOrderedDict\n)RtR";
}
// {"w": value}
inline std::string dict_of(const std::string& value) { return "\x80\x02}" + text("w") + value + "s."; }
inline std::string pth(const std::string& pickle, const std::string& values = floats({1, 2, 3, 4, 5, 6})) {
  return zip({{"a/data.pkl", pickle}, {"a/data/0", values}, {"a/version", "3\n"}});
}

}  // namespace mr::test
