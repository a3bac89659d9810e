// An unpickler that knows only what torch's state dicts are made of.
//
// A pickle is a program for a stack machine, and Python's runs whatever it names. This one has no way to run anything: GLOBAL
// looks its name up in a fixed list, REDUCE turns a name of that list and its arguments into a plain record below, and every
// other opcode, name or combination is an error that gives the offset. Opcodes: protocol 2 as torch writes it, and those of
// protocols 3 and 4 that add no power (framing, short strings, MEMOIZE, STACK_GLOBAL).
//
// Values are records in one vector that refer to each other by index, so a list that holds itself or a million nested tuples
// cost nothing to destroy. Bounds: 2 M values, 1000 open marks, no text longer than what is left of the pickle.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "models/weights/weight_file.h"

namespace mr {

struct Pickle {
  using Ref = uint32_t;  // index into values
  enum class Kind : uint8_t { none, boolean, integer, real, text, tuple, list, dict, global, storage, tensor };

  struct Value {
    Kind kind = Kind::none;
    int64_t integer = 0;  // boolean, integer; index of a storage or tensor or global
    double real = 0;
    std::string text;
    std::vector<Ref> items;  // of a tuple or list; of a dict: key, value, key, value, …
  };
  struct Storage {
    std::string key;  // names its bytes: the zip entry data/<key>
    FileType type = FileType::f32;
    int64_t numel = 0;
  };
  struct Tensor {
    size_t storage = 0;
    int64_t offset = 0;        // in elements, as the strides
    FileShape sizes, strides;  // every element lies in the storage: checked
  };

  std::vector<Value> values;
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
  Ref root = 0;
  size_t bytes = 0;  // of the pickle itself; more may follow

  const Value& operator[](Ref r) const { return values[r]; }
};

// Reads one pickle from the start of `bytes`. `where` starts the messages; offsets in them are from `bytes`.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where);

}  // namespace mr
