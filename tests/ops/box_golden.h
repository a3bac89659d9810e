// tests/golden/boxes.bin (scripts/golden_boxes.py): what torchvision answers on random cases. MR_GOLDEN_BOXES names another file.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tensor/rng.h"
#include "tensor/tensor.h"

struct BoxGolden {
  std::map<std::string, mr::Tensor> arrays;

  BoxGolden() {
    const char* other = std::getenv("MR_GOLDEN_BOXES");
    const std::string path = other ? other : MR_SOURCE_DIR "/tests/golden/boxes.bin";
    std::ifstream f(path, std::ios::binary);
    mr::check(f.good(), "golden: cannot read ", path);
    const auto byte = [&] { return static_cast<uint8_t>(f.get()); };
    while (f.peek() != EOF) {
      std::string name(byte(), ' ');
      f.read(name.data(), static_cast<std::streamsize>(name.size()));
      const mr::DType types[] = {mr::DType::f32, mr::DType::i32, mr::DType::u8};
      const mr::DType type = types[byte()];
      std::vector<int64_t> sizes(byte());
      for (int64_t& s : sizes) {
        int32_t v = 0;
        f.read(reinterpret_cast<char*>(&v), sizeof v);
        s = v;
      }
      const mr::Tensor t = mr::Tensor::empty(mr::Shape(std::span<const int64_t>(sizes)), type);
      f.read(reinterpret_cast<char*>(t.raw()), static_cast<std::streamsize>(t.bytes()));
      mr::check(f.good(), "golden: ", path, " ends inside ", name);
      arrays[name] = t;
    }
  }
  const mr::Tensor& operator[](const std::string& name) const { return arrays.at(name); }
};

inline const BoxGolden& box_golden() {
  static const BoxGolden golden;
  return golden;
}

inline uint64_t golden_hash(uint64_t seed, uint64_t i) { return mr::mix64((seed << 32) + i); }

// The map that the script draws for case k.
inline mr::Tensor golden_map(uint64_t k, int h, int w) {
  const mr::Tensor x = mr::Tensor::empty({1, h, w, 1});
  uint64_t i = 0;
  for (float& v : x.values<float>()) v = static_cast<float>(static_cast<double>(golden_hash(k, i++) >> 40) * 0x1p-23 - 1);
  return x;
}
