// An unpickler that runs nothing.
//
// A pickle is a program for a stack machine, and Python's runs whatever it names. This one cannot
// run anything: a name is two texts.
// The few names that weights are made of (dicts, torch's tensors and storages, numpy's arrays) are
// understood; what any other name is called with, or given as its state, becomes an `object`, of
// which nothing is known but the name. Whatever stands beside the tensors in a training's file,
// such as paths, dates, an argparse.Namespace or a class of one's own, may so be of any kind.
// Opcodes: those of protocols 2 to 5, without persistent names but torch's storages, without
// extension codes and out-of-band buffers.
//
// Values are records in one vector that refer to each other by index, so a list that holds itself
// or a million nested tuples cost nothing to destroy, and texts are views of the pickle: memory is
// bounded by 2 M values and by the length of the pickle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/weight_file.h"

namespace mr {

struct Pickle {
  using Ref = uint32_t;  // index into values
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    real,
    text,  // or bytes
    tuple,
    list,
    dict,        // or an object to which members were given as to a dict
    name,        // items: module, name
    storage,     // of torch
    tensor,      // of torch
    dtype,       // of numpy
    array,       // of numpy
    object,      // of any other class; items: its state, if it has one
    unreadable,  // a tensor or an array of a type that is not read
  };

  struct Value {
    Kind kind = Kind::none;
    bool utf8 = true;     // of a text: UTF-8; or else one byte a character, as Python 2's and as bytes
    int64_t integer = 0;  // of a boolean or integer; index of a storage, tensor or array; of an object: the value that made it
    double real = 0;
    std::string_view text = {};   // of a text; of a dtype and of what is unreadable: its type
    std::vector<Ref> items = {};  // of a tuple or list; of a dict: key, value, key, value, …
  };
  struct Storage {
    std::string key;  // names its bytes: the zip entry data/<key>
    FileType type = FileType::f32;
    int64_t numel = 0;
  };
  struct Tensor {
    size_t storage = 0;
    FileType type = FileType::f32;  // that of the storage, unless it is untyped
    int64_t offset = 0;             // in elements, as the strides
    FileShape sizes, strides;       // every element lies in the storage: checked
  };
  struct Array {
    FileType type = FileType::f32;
    FileShape sizes;
    bool fortran = false;  // the first axis is the fastest
    Ref bytes = 0;         // a text that holds as many bytes as sizes and type say: checked
  };

  std::vector<Value> values;
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
  std::vector<Array> arrays;
  Ref root = 0;
  size_t bytes = 0;  // of the pickle itself; more may follow

  const Value& operator[](Ref r) const { return values[r]; }
  std::string type_name(Ref r) const;  // for messages: "dict", "argparse.Namespace", "numpy.ndarray of >f4"
};

// Reads one pickle from the start of `bytes`, which must outlive the result. `where` starts the
// messages; offsets in them are from `bytes`.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where);

// A text as UTF-8; one of bytes, with each byte as its code point.
std::string utf8_of(const Pickle::Value& text);
// The bytes that a text stands for, code points for bytes (protocol 2 has no bytes: Python 3 writes
// them so). Nothing where one is above 255.
std::vector<std::byte> bytes_of(const Pickle::Value& text);
uint64_t count_bytes(const Pickle::Value& text);  // the length of bytes_of(text)

}  // namespace mr
