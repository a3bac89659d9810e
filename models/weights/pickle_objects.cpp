// What becomes of calls: the functions and classes that weights are made of give tensors, storages,
// arrays and dicts; a call of anything else becomes an object.
#include <algorithm>

#include "models/weights/unpickler.h"

namespace mr {
namespace {

enum class Known : uint8_t {
  dict,
  tensor,        // (storage, offset, sizes, strides, …)
  typed_tensor,  // (storage, offset, sizes, strides, requires_grad, hooks, dtype, …)
  first,         // its first argument: a Parameter is its tensor, a Size its tuple
  subclass,      // (function, class, arguments of the function, state)
  storage_type,
  scalar_type,
  array,  // to be filled by BUILD
  numpy_dtype,
  buffer_array,  // (bytes, dtype, sizes, order)
  bytes,         // of nothing: Python 3 writes empty bytes so for protocol 2
};

struct Name {
  std::string_view module, name;
  Known what;
  FileType type = FileType::f32;  // of a storage or scalar
};
constexpr Name known_names[] = {
    {"collections", "OrderedDict", Known::dict},
    {"collections", "defaultdict", Known::dict},
    {"torch._utils", "_rebuild_tensor_v2", Known::tensor},
    {"torch._utils", "_rebuild_tensor", Known::tensor},
    {"torch._utils", "_rebuild_tensor_v3", Known::typed_tensor},
    {"torch._utils", "_rebuild_parameter", Known::first},
    {"torch._utils", "_rebuild_parameter_with_state", Known::first},
    {"torch.nn.parameter", "Parameter", Known::first},
    {"torch._tensor", "_rebuild_from_type_v2", Known::subclass},
    {"torch", "Size", Known::first},
    {"torch", "device", Known::first},
    {"torch", "FloatStorage", Known::storage_type, FileType::f32},
    {"torch", "DoubleStorage", Known::storage_type, FileType::f64},
    {"torch", "HalfStorage", Known::storage_type, FileType::f16},
    {"torch", "BFloat16Storage", Known::storage_type, FileType::bf16},
    {"torch", "LongStorage", Known::storage_type, FileType::i64},
    {"torch", "IntStorage", Known::storage_type, FileType::i32},
    {"torch", "ShortStorage", Known::storage_type, FileType::i16},
    {"torch", "CharStorage", Known::storage_type, FileType::i8},
    {"torch", "ByteStorage", Known::storage_type, FileType::u8},
    {"torch", "BoolStorage", Known::storage_type, FileType::boolean},
    {"torch.storage", "UntypedStorage", Known::storage_type, FileType::u8},
    {"torch", "float32", Known::scalar_type, FileType::f32},
    {"torch", "float64", Known::scalar_type, FileType::f64},
    {"torch", "float16", Known::scalar_type, FileType::f16},
    {"torch", "bfloat16", Known::scalar_type, FileType::bf16},
    {"torch", "uint16", Known::scalar_type, FileType::u16},
    {"torch", "uint32", Known::scalar_type, FileType::u32},
    {"torch", "uint64", Known::scalar_type, FileType::u64},
    {"numpy.core.multiarray", "_reconstruct", Known::array},
    {"numpy._core.multiarray", "_reconstruct", Known::array},
    {"numpy", "dtype", Known::numpy_dtype},
    {"numpy.core.numeric", "_frombuffer", Known::buffer_array},
    {"numpy._core.numeric", "_frombuffer", Known::buffer_array},
    {"_codecs", "encode", Known::first},
    {"__builtin__", "bytes", Known::bytes},
    {"__builtin__", "bytearray", Known::bytes},
    {"builtins", "bytearray", Known::bytes},
};

struct NumpyType {
  std::string_view text;
  FileType type;
};
constexpr NumpyType numpy_types[] = {
    {"b1", FileType::boolean}, {"u1", FileType::u8},  {"i1", FileType::i8},  {"u2", FileType::u16},
    {"i2", FileType::i16},     {"u4", FileType::u32}, {"i4", FileType::i32}, {"u8", FileType::u64},
    {"i8", FileType::i64},     {"f2", FileType::f16}, {"f4", FileType::f32}, {"f8", FileType::f64},
};

// The entry of a name value; null for names that are not known, and for values that are no names.
const Name* known(const Pickle::Value& v) { return v.kind == Pickle::Kind::name && v.integer >= 0 ? &known_names[v.integer] : nullptr; }

}  // namespace

void Unpickler::push_name(Ref module, Ref name) {
  const std::string_view m = out_[module].text, n = out_[name].text;
  const auto at = std::ranges::find_if(known_names, [&](const Name& k) { return k.module == m && k.name == n; });
  const int64_t index = at == std::end(known_names) ? -1 : at - std::begin(known_names);
  push(add({.kind = Kind::name, .integer = index, .items = {module, name}}));
}

// A function or class called with a tuple: REDUCE and NEWOBJ.
void Unpickler::call(Ref callable, Ref arguments) {
  const Args args = out_[arguments].items;
  const Kind kind = out_[callable].kind;
  expect(kind == Kind::name || kind == Kind::object, "REDUCE: expected a name");
  const Name* name = known(out_[callable]);
  if (!name) {  // other ways to make a tensor are noticed, so that it is not passed over in silence
    const bool in_torch = kind == Kind::name && out_[out_[callable].items[0]].text.starts_with("torch");
    const std::string_view function = in_torch ? out_[out_[callable].items[1]].text : std::string_view();
    if (function.starts_with("_rebuild_") || function == "_load_from_bytes") return push_unreadable(callable, {});
    return push_object(callable);
  }
  switch (name->what) {
    case Known::dict:
      return push_dict(args);
    case Known::tensor:
      return push_tensor(args, std::nullopt);
    case Known::typed_tensor:
      return push_tensor_of_type(callable, args);
    case Known::first:
      expect(!args.empty(), "REDUCE: expected an argument");
      return push(args[0]);
    case Known::subclass: {  // one level: a subclass of a subclass is told from its class, not by wrapping twice
      const Name* function = is(args, 0, Kind::name) && is(args, 2, Kind::tuple) ? known(out_[args[0]]) : nullptr;
      if (!function || function->what == Known::subclass) return push_unreadable(callable, {});
      return call(args[0], args[2]);
    }
    case Known::array:
      return push_unreadable(callable, {});
    case Known::numpy_dtype:
      return push_dtype(callable, args);
    case Known::buffer_array:
      return push_array_of_buffer(callable, args);
    case Known::bytes:
      if (is(args, 0, Kind::text)) return push(args[0]);
      return args.empty() ? push_text({}, false) : push_object(callable);
    case Known::storage_type:
    case Known::scalar_type:
      break;
  }
  stop("REDUCE: " + std::string(name->name) + " cannot be called");
}

// No arguments, a factory (defaultdict), or a list of pairs (Python 2's OrderedDict).
void Unpickler::push_dict(Args args) {
  Value dict{.kind = Kind::dict};
  if (is(args, 0, Kind::list)) {
    for (const Ref pair : out_[args[0]].items) {
      expect((out_[pair].kind == Kind::tuple || out_[pair].kind == Kind::list) && out_[pair].items.size() == 2,
             "OrderedDict: expected a list of pairs");
      dict.items.insert(dict.items.end(), out_[pair].items.begin(), out_[pair].items.end());
      expect(++pairs_ < most_values, "more than 2,000,000 pairs");
    }
  }
  push(add(std::move(dict)));
}

// The state of an object. That of a state dict (its modules' version numbers) and of tensors is of no use.
void Unpickler::build() {
  const Ref state = pop(), object = top();
  Value& v = out_.values[object];
  switch (v.kind) {
    case Kind::dict:
    case Kind::tensor:
      return;
    case Kind::dtype: {  // (version, byte order, …)
      const Args fields = out_[state].items;
      if (is(fields, 1, Kind::text) && !out_[fields[1]].text.empty()) v.integer = static_cast<unsigned char>(out_[fields[1]].text[0]);
      return;
    }
    case Kind::unreadable: {
      const Name* maker = known(out_[static_cast<Ref>(v.integer)]);
      if (maker && maker->what == Known::array) build_array(object, state);
      return;
    }
    case Kind::object:
      if (v.items.empty()) v.items.push_back(state);
      return;
    default:
      stop("BUILD: expected an object that can have a state");
  }
}

// ("storage", type, key, location, numel), and in the legacy format a sixth: None, or a view into a larger storage. In the legacy
// format also ("module", class, file, source): the class of a whole module.
void Unpickler::push_storage(Ref id_ref) {
  const Value& id = out_[id_ref];
  const Args args = id.items;
  const bool tuple = id.kind == Kind::tuple && is(args, 0, Kind::text);
  if (tuple && args.size() == 4 && out_[args[0]].text == "module") return push(args[1]);
  expect(tuple && (args.size() == 5 || args.size() == 6) && out_[args[0]].text == "storage",
         "BINPERSID: expected (\"storage\", type, key, location, numel)");
  expect(is(args, 1, Kind::name), "BINPERSID: expected a storage type");
  const Name* type = known(out_[args[1]]);
  if (!type && out_[out_[args[1]].items[1]].text.ends_with("Storage")) return push_unreadable(args[1], {});  // complex, quantised, …
  expect(type && type->what == Known::storage_type, "BINPERSID: expected a storage type");
  const std::string_view key = argument(args, 2, Kind::text, "BINPERSID: expected a text as key").text;
  const int64_t numel = argument(args, 4, Kind::integer, "BINPERSID: expected a number of elements").integer;
  expect(numel >= 0, "BINPERSID: expected 0 or more elements");
  expect(args.size() == 5 || out_[args[5]].kind == Kind::none, "BINPERSID: views of storages are not read");

  expect(key.size() <= longest_key, "BINPERSID: a key of more than 256 bytes");
  const auto [at, fresh] = storage_of_key_.try_emplace(utf8_of(out_[args[2]]), out_.storages.size());
  if (fresh) out_.storages.push_back({at->first, type->type, numel});
  const Pickle::Storage& before = out_.storages[at->second];
  expect(before.type == type->type && before.numel == numel, "BINPERSID: one storage with two types or sizes");
  push_new(Kind::storage, static_cast<int64_t>(at->second));
}

FileShape Unpickler::integers(const Value& tuple, const char* problem) const {
  FileShape out;
  expect(tuple.items.size() <= most_axes, "tensor: more than 64 axes");
  for (const Ref r : tuple.items) {
    expect(out_[r].kind == Kind::integer && out_[r].integer >= 0, problem);
    out.push_back(out_[r].integer);
  }
  return out;
}

// (storage, offset, sizes, strides, …): the rest (requires_grad, hooks, metadata) does not concern the values.
void Unpickler::push_tensor(Args args, std::optional<FileType> type) {
  if (is(args, 0, Kind::unreadable)) return push(args[0]);
  Pickle::Tensor t;
  t.storage = static_cast<size_t>(argument(args, 0, Kind::storage, "tensor: expected a storage").integer);
  t.offset = argument(args, 1, Kind::integer, "tensor: expected an offset").integer;
  constexpr const char* sizes_problem = "tensor: expected sizes and strides of 0 or more";
  t.sizes = integers(argument(args, 2, Kind::tuple, "tensor: expected a tuple of sizes"), sizes_problem);
  t.strides = integers(argument(args, 3, Kind::tuple, "tensor: expected a tuple of strides"), sizes_problem);
  expect(t.sizes.size() == t.strides.size(), "tensor: expected as many strides as sizes");
  const Pickle::Storage& storage = out_.storages[t.storage];
  t.type = type.value_or(storage.type);
  const auto room = checked_bytes({storage.numel}, storage.type);
  const int64_t numel = room ? static_cast<int64_t>(*room / size_of(t.type)) : 0;
  const auto bytes = checked_bytes(t.sizes, t.type);
  expect(bytes.has_value(), "tensor: more than 2^62 bytes");
  expect(t.offset >= 0 && t.offset <= numel, "tensor: its offset lies outside its storage");
  if (*bytes > 0) {
    int64_t last = t.offset;  // the element furthest into the storage
    for (size_t i = 0; i < t.sizes.size(); ++i) {
      int64_t span = 0;
      const bool over = __builtin_mul_overflow(t.sizes[i] - 1, t.strides[i], &span) || __builtin_add_overflow(last, span, &last);
      expect(!over, "tensor: its elements lie outside its storage");
    }
    expect(last < numel, "tensor: its elements lie outside its storage");
  }
  out_.tensors.push_back(std::move(t));
  push_new(Kind::tensor, static_cast<int64_t>(out_.tensors.size() - 1));
}

void Unpickler::push_tensor_of_type(Ref maker, Args args) {
  const Name* dtype = is(args, 6, Kind::name) ? known(out_[args[6]]) : nullptr;
  if (!dtype || dtype->what != Known::scalar_type) return push_unreadable(is(args, 6, Kind::name) ? args[6] : maker, {});
  push_tensor(args, dtype->type);
}

void Unpickler::push_dtype(Ref maker, Args args) {
  if (!is(args, 0, Kind::text)) return push_object(maker);
  push(add({.kind = Kind::dtype, .text = out_[args[0]].text}));
}

// (version, sizes, dtype, whether the first axis is the fastest, bytes)
void Unpickler::build_array(Ref array, Ref state) {
  const Args fields = out_[state].items;
  if (fields.size() != 5) return;
  const auto maker = static_cast<Ref>(out_[array].integer);
  Value filled = array_of(maker, fields[1], fields[2], out_[fields[3]].integer != 0, fields[4]);
  out_.values[array] = std::move(filled);
}

void Unpickler::push_array_of_buffer(Ref maker, Args args) {
  if (args.size() != 4) return push_unreadable(maker, {});
  push(add(array_of(maker, args[2], args[1], out_[args[3]].text == "F", args[0])));
}

Pickle::Value Unpickler::array_of(Ref maker, Ref sizes, Ref dtype, bool fortran, Ref bytes) {
  const Value& type = out_[dtype];
  constexpr std::string_view no_numbers = "OUSVMm";  // objects, texts, records, dates
  if (type.kind == Kind::dtype && !type.text.empty() && no_numbers.find(type.text[0]) != std::string_view::npos)
    return {.kind = Kind::object, .integer = maker};
  const Value unreadable{.kind = Kind::unreadable, .integer = maker, .text = type.integer == '>' ? "big-endian numbers" : type.text};
  const auto at = std::ranges::find(numpy_types, type.text, &NumpyType::text);
  if (type.kind != Kind::dtype || type.integer == '>' || at == std::end(numpy_types)) return unreadable;
  if (out_[sizes].kind != Kind::tuple || out_[bytes].kind != Kind::text) return unreadable;
  Pickle::Array a{at->type, integers(out_[sizes], "array: expected sizes of 0 or more"), fortran, bytes};
  const auto [count, fresh] = counted_.try_emplace(bytes, 0);
  if (fresh) count->second = count_bytes(out_[bytes]);
  if (checked_bytes(a.sizes, a.type) != count->second)
    stop(str("array: ", a.type, " ", shape_text(a.sizes), " does not take ", count->second, " bytes"));
  out_.arrays.push_back(std::move(a));
  return {.kind = Kind::array, .integer = static_cast<int64_t>(out_.arrays.size() - 1)};
}

}  // namespace mr
