// What a weights file holds, whatever its format: tensors with names, and texts about them. Opening
// one reads and checks its header alone; a tensor's values are read when they are asked for.
//
//   const WeightFile file = open_weights("maskrcnn.pth");
//   for (const NamedTensor& t : file.tensors) …  read_floats(t)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mr {

// The element types that files hold; more than a Tensor has. Named as in safetensors: F32, BF16, …
enum class FileType : uint8_t { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f16, bf16, f32, f64 };
size_t size_of(FileType t);
const char* name(FileType t);
bool is_float(FileType t);
void append(std::string& out, FileType t);

using FileShape = std::vector<int64_t>;          // a file's tensor may have any number of axes
std::string shape_text(const FileShape& shape);  // [64, 3, 7, 7]
// The bytes of so many values; nullopt where a size is negative or the product passes 2^62.
std::optional<uint64_t> checked_bytes(const FileShape& shape, FileType type);

struct NamedTensor {
  std::string name;
  FileType type = FileType::f32;
  FileShape shape;
  // Fills `out`, which has bytes() bytes, with the values: dense, last axis fastest, little-endian.
  std::function<void(std::span<std::byte> out)> read;

  int64_t numel() const;
  uint64_t bytes() const { return static_cast<uint64_t>(numel()) * size_of(type); }
};

struct WeightFile {
  std::string path;
  std::map<std::string, std::string> metadata;  // safetensors' __metadata__; empty for .pth
  std::vector<NamedTensor> tensors;             // in the order of the file
  std::vector<std::string> notes = {};          // what a person should know of how it was read

  const NamedTensor* find(const std::string& name) const;
};

// safetensors, torch's files or a pickle, told apart by their first bytes. Errors name the file,
// the place in it and what was expected there; of a file that is none of them, what it is and what
// to do instead (mistaken.h).
WeightFile open_weights(const std::string& path);

// The values of a tensor of any floating type, as f32. Errors: an integer type.
std::vector<float> read_floats(const NamedTensor& t);
// As f64, of any type.
std::vector<double> read_doubles(const NamedTensor& t);

}  // namespace mr
