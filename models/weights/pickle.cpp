#include "models/weights/pickle.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "models/weights/json.h"

namespace mr {
namespace {

using Ref = Pickle::Ref;
using Kind = Pickle::Kind;
using Value = Pickle::Value;

// Bounds on what a small file can make of itself, in memory or in time.
constexpr size_t most_values = 2'000'000, most_marks = 1000, most_axes = 64, longest_key = 256;

enum class Global : uint8_t {
  ordered_dict,
  rebuild_tensor_v2,
  rebuild_tensor,
  rebuild_parameter,
  parameter,
  size,
  device,
  storage_type,
  scalar_type
};

struct Allowed {
  std::string_view module, name;
  Global what;
  FileType type = FileType::f32;  // of a storage
};
constexpr Allowed allow_list[] = {
    {"collections", "OrderedDict", Global::ordered_dict},
    {"torch._utils", "_rebuild_tensor_v2", Global::rebuild_tensor_v2},
    {"torch._utils", "_rebuild_tensor", Global::rebuild_tensor},
    {"torch._utils", "_rebuild_parameter", Global::rebuild_parameter},
    {"torch.nn.parameter", "Parameter", Global::parameter},
    {"torch", "Size", Global::size},
    {"torch", "device", Global::device},
    {"torch", "FloatStorage", Global::storage_type, FileType::f32},
    {"torch", "DoubleStorage", Global::storage_type, FileType::f64},
    {"torch", "HalfStorage", Global::storage_type, FileType::f16},
    {"torch", "BFloat16Storage", Global::storage_type, FileType::bf16},
    {"torch", "LongStorage", Global::storage_type, FileType::i64},
    {"torch", "IntStorage", Global::storage_type, FileType::i32},
    {"torch", "ShortStorage", Global::storage_type, FileType::i16},
    {"torch", "CharStorage", Global::storage_type, FileType::i8},
    {"torch", "ByteStorage", Global::storage_type, FileType::u8},
    {"torch", "BoolStorage", Global::storage_type, FileType::boolean},
    {"torch.storage", "UntypedStorage", Global::storage_type, FileType::u8},
    {"torch", "float32", Global::scalar_type},
    {"torch", "float64", Global::scalar_type},
    {"torch", "float16", Global::scalar_type},
    {"torch", "bfloat16", Global::scalar_type},
    {"torch", "int64", Global::scalar_type},
};

class Unpickler {
 public:
  Unpickler(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}
  Pickle run();

 private:
  [[noreturn]] void stop(const std::string& problem) const { fail(where_, " byte ", op_at_, ": ", problem); }
  void expect(bool ok, const char* problem) const {
    if (!ok) stop(problem);
  }

  // the bytes
  std::string_view take(uint64_t n) {
    if (n > bytes_.size() - at_) stop(str("expected ", n, " more bytes, got ", bytes_.size() - at_));
    const std::string_view s(reinterpret_cast<const char*>(bytes_.data()) + at_, n);
    at_ += n;
    return s;
  }
  template <class T> T number() {
    T v;
    std::memcpy(&v, take(sizeof v).data(), sizeof v);
    return v;
  }
  std::string_view line();

  // the stack
  Ref add(Value v) {
    expect(out_.values.size() < most_values, "more than 2,000,000 values");
    out_.values.push_back(std::move(v));
    return static_cast<Ref>(out_.values.size() - 1);
  }
  void push(Ref r) {
    expect(stack_.size() < most_values, "more than 2,000,000 values on the stack");
    stack_.push_back(r);
  }
  void push_new(Kind kind, int64_t integer = 0) { push(add({kind, integer, 0, {}, {}})); }
  Ref pop() {
    expect(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "the stack is empty");
    const Ref r = stack_.back();
    stack_.pop_back();
    return r;
  }
  std::vector<Ref> pop_to_mark() {
    expect(!marks_.empty(), "expected a mark on the stack");
    std::vector<Ref> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  Value& top(Kind kind, const char* problem) {
    expect(stack_.size() > (marks_.empty() ? 0 : marks_.back()) && out_[stack_.back()].kind == kind, problem);
    return out_.values[stack_.back()];
  }
  void push_tuple(size_t n) {
    std::vector<Ref> items(n);
    while (n-- > 0) items[n] = pop();
    push(add({Kind::tuple, 0, 0, {}, std::move(items)}));
  }
  void push_text(std::string_view text, bool utf8);
  void push_long(std::string_view digits);
  void extend(Kind kind, const std::vector<Ref>& items);

  void memo_put(uint64_t key) {
    const Ref r = pop();
    push(r);
    expect(memo_.size() < most_values, "more than 2,000,000 values in the memo");
    memo_[key] = r;
  }
  void memo_get(uint64_t key) {
    const auto at = memo_.find(key);
    if (at == memo_.end()) stop(str("memo ", key, " was never stored"));
    push(at->second);
  }

  // names and records
  void push_global(std::string_view module, std::string_view name);
  void reduce();
  void build();
  void push_storage(const Value& id);  // adds a value only at its end: `id` stays valid
  void push_tensor(const std::vector<Ref>& args);
  const Value& argument(const std::vector<Ref>& args, size_t i, Kind kind, const char* problem) const {
    expect(i < args.size() && out_[args[i]].kind == kind, problem);
    return out_[args[i]];
  }
  FileShape integers(const Value& tuple) const;

  bool step(unsigned op);  // false at STOP

  std::span<const std::byte> bytes_;
  std::string where_;
  size_t at_ = 0, op_at_ = 0;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;
  size_t pairs_ = 0;  // copied from lists into dicts
  std::unordered_map<uint64_t, Ref> memo_;
  std::map<std::string, size_t> storage_of_key_;
  Pickle out_;
};

std::string_view Unpickler::line() {
  const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
  const size_t end = rest.find('\n');
  expect(end != std::string_view::npos, "expected a line");
  at_ += end + 1;
  return rest.substr(0, end);
}

// Python 2's strings are bytes; names in them are ASCII, and each byte is taken as its code point.
void Unpickler::push_text(std::string_view text, bool utf8) {
  std::string copy;
  if (utf8) {
    expect(is_utf8(text), "expected UTF-8 text");
    copy = text;
  } else {
    for (const char c : text) append_utf8(copy, static_cast<unsigned char>(c));
  }
  push(add({Kind::text, 0, 0, std::move(copy), {}}));
}

void Unpickler::push_long(std::string_view digits) {
  // Two's complement of any length. Only the legacy magic number is longer than 8 bytes: it is kept as text.
  if (digits.size() > 8) {
    push(add({Kind::text, 0, 0, std::string(digits), {}}));
    return;
  }
  uint64_t v = !digits.empty() && (digits.back() & 0x80) ? ~uint64_t{0} : 0;
  std::memcpy(&v, digits.data(), digits.size());
  push_new(Kind::integer, static_cast<int64_t>(v));
}

void Unpickler::extend(Kind kind, const std::vector<Ref>& items) {
  Value& v = top(kind, kind == Kind::dict ? "SETITEM: expected a dict" : "APPEND: expected a list");
  if (kind == Kind::dict) expect(items.size() % 2 == 0, "SETITEMS: expected pairs");
  v.items.insert(v.items.end(), items.begin(), items.end());
}

void Unpickler::push_global(std::string_view module, std::string_view name) {
  for (const Allowed& a : allow_list)
    if (a.module == module && a.name == name) return push_new(Kind::global, &a - allow_list);
  stop("the name " + printable(std::string(module) + "." + std::string(name)) +
       " is not on the list of what a weights file may hold (tensors, parameters, dicts, numbers and texts)");
}

void Unpickler::reduce() {
  const std::vector<Ref>& args = top(Kind::tuple, "REDUCE: expected a tuple of arguments").items;  // valid until add()
  pop();
  const int64_t which = top(Kind::global, "REDUCE: expected a name of the list").integer;
  pop();
  switch (allow_list[which].what) {
    case Global::ordered_dict: {  // no arguments, or (Python 2) a list of pairs
      Value dict{Kind::dict, 0, 0, {}, {}};
      if (!args.empty()) {
        for (const Ref pair : argument(args, 0, Kind::list, "OrderedDict: expected a list of pairs").items) {
          expect((out_[pair].kind == Kind::tuple || out_[pair].kind == Kind::list) && out_[pair].items.size() == 2,
                 "OrderedDict: expected a list of pairs");
          dict.items.insert(dict.items.end(), out_[pair].items.begin(), out_[pair].items.end());
          expect(++pairs_ < most_values, "more than 2,000,000 pairs");
        }
      }
      return push(add(std::move(dict)));
    }
    case Global::rebuild_tensor_v2:
    case Global::rebuild_tensor:
      return push_tensor(args);
    case Global::rebuild_parameter:
    case Global::parameter:
      argument(args, 0, Kind::tensor, "Parameter: expected a tensor");
      return push(args[0]);
    case Global::size:
      argument(args, 0, Kind::tuple, "Size: expected a tuple");
      return push(args[0]);
    case Global::device:
      argument(args, 0, Kind::text, "device: expected a text");
      return push(args[0]);
    case Global::storage_type:
    case Global::scalar_type:
      break;
  }
  stop("REDUCE: " + std::string(allow_list[which].name) + " cannot be called");
}

// A state dict carries its modules' version numbers as state: dropped. Nothing else has a state that matters.
void Unpickler::build() {
  expect(out_[pop()].kind == Kind::dict, "BUILD: expected a dict of state");
  top(Kind::dict, "BUILD: expected an OrderedDict");
}

// ("storage", type, key, location, numel), and in the legacy format a sixth: None, or a view into a larger storage.
void Unpickler::push_storage(const Value& id) {
  expect(id.kind == Kind::tuple && (id.items.size() == 5 || id.items.size() == 6),
         "BINPERSID: expected (\"storage\", type, key, location, numel)");
  expect(argument(id.items, 0, Kind::text, "BINPERSID: expected \"storage\"").text == "storage", "BINPERSID: expected \"storage\"");
  const Allowed& type = allow_list[argument(id.items, 1, Kind::global, "BINPERSID: expected a storage type").integer];
  expect(type.what == Global::storage_type, "BINPERSID: expected a storage type");
  const Value& key = argument(id.items, 2, Kind::text, "BINPERSID: expected a text as key");
  const int64_t numel = argument(id.items, 4, Kind::integer, "BINPERSID: expected a number of elements").integer;
  expect(numel >= 0, "BINPERSID: expected 0 or more elements");
  expect(id.items.size() == 5 || out_[id.items[5]].kind == Kind::none, "BINPERSID: views of storages are not read");

  expect(key.text.size() <= longest_key, "BINPERSID: a key of more than 256 bytes");
  const auto [at, fresh] = storage_of_key_.try_emplace(key.text, out_.storages.size());
  if (fresh) out_.storages.push_back({key.text, type.type, numel});
  const Pickle::Storage& known = out_.storages[at->second];
  expect(known.type == type.type && known.numel == numel, "BINPERSID: one storage with two types or sizes");
  push_new(Kind::storage, static_cast<int64_t>(at->second));
}

FileShape Unpickler::integers(const Value& tuple) const {
  FileShape out;
  expect(tuple.items.size() <= most_axes, "tensor: more than 64 axes");
  for (const Ref r : tuple.items) {
    expect(out_[r].kind == Kind::integer && out_[r].integer >= 0, "tensor: expected sizes and strides of 0 or more");
    out.push_back(out_[r].integer);
  }
  return out;
}

// (storage, offset, sizes, strides, …): the rest (requires_grad, hooks, metadata) does not concern the values.
void Unpickler::push_tensor(const std::vector<Ref>& args) {
  Pickle::Tensor t;
  t.storage = static_cast<size_t>(argument(args, 0, Kind::storage, "tensor: expected a storage").integer);
  t.offset = argument(args, 1, Kind::integer, "tensor: expected an offset").integer;
  t.sizes = integers(argument(args, 2, Kind::tuple, "tensor: expected a tuple of sizes"));
  t.strides = integers(argument(args, 3, Kind::tuple, "tensor: expected a tuple of strides"));
  expect(t.sizes.size() == t.strides.size(), "tensor: expected as many strides as sizes");
  const Pickle::Storage& storage = out_.storages[t.storage];
  const auto bytes = checked_bytes(t.sizes, storage.type);
  expect(bytes.has_value(), "tensor: more than 2^62 bytes");
  expect(t.offset >= 0 && t.offset <= storage.numel, "tensor: its offset lies outside its storage");
  if (*bytes > 0) {
    int64_t last = t.offset;  // the element furthest into the storage
    for (size_t i = 0; i < t.sizes.size(); ++i) {
      int64_t span = 0;
      const bool over = __builtin_mul_overflow(t.sizes[i] - 1, t.strides[i], &span) || __builtin_add_overflow(last, span, &last);
      expect(!over, "tensor: its elements lie outside its storage");
    }
    expect(last < storage.numel, "tensor: its elements lie outside its storage");
  }
  out_.tensors.push_back(std::move(t));
  push_new(Kind::tensor, static_cast<int64_t>(out_.tensors.size() - 1));
}

bool Unpickler::step(unsigned op) {
  switch (op) {
    case 0x80:
      expect(number<uint8_t>() <= 4, "expected protocol 4 or lower");
      break;
    case 0x95:
      number<uint64_t>();
      break;  // FRAME: its length is of no use here
    case '.':
      return false;
    // constants
    case 'N':
      push_new(Kind::none);
      break;
    case 0x88:
      push_new(Kind::boolean, 1);
      break;
    case 0x89:
      push_new(Kind::boolean, 0);
      break;
    case 'J':
      push_new(Kind::integer, number<int32_t>());
      break;
    case 'K':
      push_new(Kind::integer, number<uint8_t>());
      break;
    case 'M':
      push_new(Kind::integer, number<uint16_t>());
      break;
    case 0x8a:
      push_long(take(number<uint8_t>()));
      break;
    case 'G':
      push(add({Kind::real, 0, std::bit_cast<double>(__builtin_bswap64(number<uint64_t>())), {}, {}}));
      break;
    case 'X':
      push_text(take(number<uint32_t>()), true);
      break;
    case 0x8c:
      push_text(take(number<uint8_t>()), true);
      break;
    case 0x8d:
      push_text(take(number<uint64_t>()), true);
      break;
    case 'U':
      push_text(take(number<uint8_t>()), false);
      break;
    case 'T':
      push_text(take(number<uint32_t>()), false);
      break;
    // collections
    case '(':
      expect(marks_.size() < most_marks, "more than 1000 marks open");
      marks_.push_back(stack_.size());
      break;
    case ')':
      push_new(Kind::tuple);
      break;
    case '}':
      push_new(Kind::dict);
      break;
    case ']':
      push_new(Kind::list);
      break;
    case 't':
      push(add({Kind::tuple, 0, 0, {}, pop_to_mark()}));
      break;
    case 0x85:
      push_tuple(1);
      break;
    case 0x86:
      push_tuple(2);
      break;
    case 0x87:
      push_tuple(3);
      break;
    case 's': {
      const Ref value = pop(), key = pop();
      extend(Kind::dict, {key, value});
      break;
    }
    case 'u':
      extend(Kind::dict, pop_to_mark());
      break;
    case 'a':
      extend(Kind::list, {pop()});
      break;
    case 'e':
      extend(Kind::list, pop_to_mark());
      break;
    case '0':
      pop();
      break;
    // memo
    case 'q':
      memo_put(number<uint8_t>());
      break;
    case 'r':
      memo_put(number<uint32_t>());
      break;
    case 0x94:
      memo_put(memo_.size());
      break;
    case 'h':
      memo_get(number<uint8_t>());
      break;
    case 'j':
      memo_get(number<uint32_t>());
      break;
    // names and what they make
    case 'c': {
      const std::string_view module = line(), name = line();
      push_global(module, name);
      break;
    }
    case 0x93: {
      const Ref name = pop(), module = pop();
      expect(out_[name].kind == Kind::text && out_[module].kind == Kind::text, "STACK_GLOBAL: expected two texts");
      push_global(out_[module].text, out_[name].text);
      break;
    }
    case 'R':
    case 0x81:
      reduce();
      break;  // NEWOBJ: the same for what is on the list
    case 'b':
      build();
      break;
    case 'Q':
      push_storage(out_[pop()]);
      break;
    default:
      stop(str("opcode ", op, " is not one that a weights file needs"));
  }
  return true;
}

Pickle Unpickler::run() {
  do op_at_ = at_;
  while (step(number<uint8_t>()));
  out_.root = pop();
  expect(stack_.empty() && marks_.empty(), "STOP: expected one value on the stack");
  out_.bytes = at_;
  return std::move(out_);
}

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where) { return Unpickler(bytes, where).run(); }

}  // namespace mr
