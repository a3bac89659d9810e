// Files of golden arrays (scripts/golden_file.py), and the inputs that the scripts and the tests draw each for themselves.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

class GoldenFile {
 public:
  // tests/golden/<name>, or the file that the environment's `variable` names.
  GoldenFile(const char* name, const char* variable) {
    const char* other = std::getenv(variable);
    const std::string path = other ? other : std::string(MR_SOURCE_DIR "/tests/golden/") + name;
    std::ifstream f(path, std::ios::binary);
    mr::check(f.good(), "golden: cannot read ", path);
    const auto byte = [&] { return static_cast<uint8_t>(f.get()); };
    while (f.peek() != EOF) {
      std::string array(byte(), ' ');
      f.read(array.data(), static_cast<std::streamsize>(array.size()));
      const mr::DType types[] = {mr::DType::f32, mr::DType::i32, mr::DType::u8, mr::DType::f64};
      const mr::DType type = types[byte()];
      std::vector<int64_t> sizes(byte());
      for (int64_t& s : sizes) {
        int32_t v = 0;
        f.read(reinterpret_cast<char*>(&v), sizeof v);
        s = v;
      }
      const mr::Tensor t = mr::Tensor::empty(mr::Shape(std::span<const int64_t>(sizes)), type);
      f.read(reinterpret_cast<char*>(t.raw()), static_cast<std::streamsize>(t.bytes()));
      mr::check(f.good(), "golden: ", path, " ends inside ", array);
      arrays_[array] = t;
    }
  }
  const mr::Tensor& operator[](const std::string& name) const { return arrays_.at(name); }

 private:
  std::map<std::string, mr::Tensor> arrays_;
};

inline uint64_t golden_hash(uint64_t seed, uint64_t i) { return mr::mix64((seed << 32) + i); }

// The script's values(seed, …), row by row: multiples of 2⁻²³ in [−1, 1).
inline mr::Tensor golden_values(uint64_t seed, const mr::Shape& shape) {
  const mr::Tensor x = mr::Tensor::empty(shape);
  uint64_t i = 0;
  for (float& v : x.values<float>()) v = static_cast<float>(static_cast<double>(golden_hash(seed, i++) >> 40) * 0x1p-23 - 1);
  return x;
}
