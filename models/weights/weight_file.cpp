#include "models/weights/weight_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "models/weights/mistaken.h"
#include "models/weights/pth.h"
#include "models/weights/safetensors.h"
#include "tensor/dtype.h"

namespace mr {
namespace {

// IEEE half precision: 5 bits of exponent, 10 of mantissa.
float half_to_float(uint16_t h) {
  const uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float small = static_cast<float>(mantissa) * 0x1p-24f;  // subnormal: exact in f32
  return sign ? -small : small;
}

struct Half {
  uint16_t bits;
  explicit operator float() const { return half_to_float(bits); }
  explicit operator double() const { return half_to_float(bits); }
};

template <class To, class From> std::vector<To> converted(std::span<const std::byte> raw) {
  std::vector<To> out(raw.size() / sizeof(From));
  for (size_t i = 0; i < out.size(); ++i) {
    From v;
    std::memcpy(&v, raw.data() + i * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(v);
  }
  return out;
}

template <class To> std::vector<To> read_as(const NamedTensor& t) {
  std::vector<std::byte> raw(t.bytes());
  t.read(raw);
  switch (t.type) {
    case FileType::boolean:
    case FileType::u8:
      return converted<To, uint8_t>(raw);
    case FileType::i8:
      return converted<To, int8_t>(raw);
    case FileType::u16:
      return converted<To, uint16_t>(raw);
    case FileType::i16:
      return converted<To, int16_t>(raw);
    case FileType::u32:
      return converted<To, uint32_t>(raw);
    case FileType::i32:
      return converted<To, int32_t>(raw);
    case FileType::u64:
      return converted<To, uint64_t>(raw);
    case FileType::i64:
      return converted<To, int64_t>(raw);
    case FileType::f16:
      return converted<To, Half>(raw);
    case FileType::bf16:
      return converted<To, bf16>(raw);
    case FileType::f32:
      return converted<To, float>(raw);
    case FileType::f64:
      return converted<To, double>(raw);
  }
  fail("weights: ", t.name, ": unknown type");
}

}  // namespace

size_t size_of(FileType t) {
  constexpr std::array<size_t, 13> sizes = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
  return sizes[static_cast<size_t>(t)];
}

const char* name(FileType t) {
  constexpr std::array<const char*, 13> names = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32", "F64"};
  return names[static_cast<size_t>(t)];
}

bool is_float(FileType t) { return t >= FileType::f16; }

void append(std::string& out, FileType t) { out.append(name(t)); }

std::string shape_text(const FileShape& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

std::optional<uint64_t> checked_bytes(const FileShape& shape, FileType type) {
  constexpr uint64_t most = uint64_t{1} << 62;
  uint64_t bytes = size_of(type);
  for (const int64_t s : shape) {
    if (s < 0 || (s > 0 && bytes > most / static_cast<uint64_t>(s))) return std::nullopt;
    bytes *= static_cast<uint64_t>(s);
  }
  return bytes;
}

int64_t NamedTensor::numel() const {
  int64_t n = 1;
  for (const int64_t s : shape) n *= s;
  return n;
}

const NamedTensor* WeightFile::find(const std::string& wanted) const {
  const auto at = std::ranges::find(tensors, wanted, &NamedTensor::name);
  return at == tensors.end() ? nullptr : &*at;
}

namespace {

// Momentum and its like, by the words that torch's optimisers use.
void note_optimiser_state(WeightFile& file) {
  constexpr std::string_view words[] = {".momentum_buffer", ".exp_avg",  ".exp_avg_sq", ".max_exp_avg_sq",
                                        ".square_avg",      ".grad_avg", ".acc_delta",  ".step"};
  const auto is_state = [&words](const NamedTensor& t) {
    return std::ranges::any_of(words, [&t](std::string_view word) { return t.name.ends_with(word); });
  };
  if (!file.tensors.empty() && std::ranges::all_of(file.tensors, is_state))
    file.notes.emplace_back("these tensors are the state of an optimiser, and no weights: save model.state_dict()");
}

WeightFile read_weights(const std::string& path) {
  if (std::filesystem::is_directory(path)) refuse_folder(path);
  if (!is_there(path)) refuse_absent(path);
  const InputFile file(path);
  const std::string start = file.read_text(0, std::min<uint64_t>(file.size(), 9));
  const bool json_follows = start.size() == 9 && start[8] == '{';  // after the header's length, of which the highest bytes are 0
  if (json_follows && start[6] == 0 && start[7] == 0) return read_safetensors(path);
  if (start.starts_with("PK\x03\x04") || start.starts_with("PK\x05\x06")) return read_pth(path);
  if (start.size() == 9 && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5) return read_pth(path);
  refuse_mistaken(file);
}

}  // namespace

WeightFile open_weights(const std::string& path) {
  WeightFile file = read_weights(path);
  note_optimiser_state(file);
  return file;
}

std::vector<float> read_floats(const NamedTensor& t) {
  check(is_float(t.type), "weights: ", t.name, ": expected a floating type (F16, BF16, F32, F64), got ", t.type);
  return read_as<float>(t);
}

std::vector<double> read_doubles(const NamedTensor& t) { return read_as<double>(t); }

}  // namespace mr
