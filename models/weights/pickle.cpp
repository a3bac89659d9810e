#include "models/weights/pickle.h"

#include <bit>

#include "base/text.h"
#include "models/weights/unpickler.h"

namespace mr {

std::string_view Unpickler::line() {
  const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
  const size_t end = rest.find('\n');
  expect(end != std::string_view::npos, "expected a line");
  at_ += end + 1;
  return rest.substr(0, end);
}

std::vector<Pickle::Ref> Unpickler::pop_to_mark() {
  expect(!marks_.empty(), "expected a mark on the stack");
  std::vector<Ref> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

void Unpickler::push_tuple(size_t n) {
  std::vector<Ref> items(n);
  while (n-- > 0) items[n] = pop();
  push_items(Kind::tuple, std::move(items));
}

// Two's complement of any length. Longer than 8 bytes (the legacy format's magic number) it is kept as its bytes.
void Unpickler::push_long(std::string_view digits) {
  if (digits.size() > 8) return push_text(digits, false);
  uint64_t v = !digits.empty() && (digits.back() & 0x80) ? ~uint64_t{0} : 0;
  std::memcpy(&v, digits.data(), digits.size());
  push_new(Kind::integer, static_cast<int64_t>(v));
}

void Unpickler::set_members(const std::vector<Ref>& pairs) {
  Value& v = out_.values[top()];
  expect(v.kind == Kind::dict || v.kind == Kind::object, "SETITEM: expected a dict");
  expect(pairs.size() % 2 == 0, "SETITEMS: expected pairs");
  if (v.kind == Kind::object) v.items.clear();
  v.kind = Kind::dict;
  v.items.insert(v.items.end(), pairs.begin(), pairs.end());
}

void Unpickler::append(const std::vector<Ref>& items) {
  Value& v = out_.values[top()];
  expect(v.kind == Kind::list || v.kind == Kind::object, "APPEND: expected a list");
  if (v.kind == Kind::list) v.items.insert(v.items.end(), items.begin(), items.end());
}

// Constants, each with its size in the name.
bool Unpickler::step_constant(unsigned op) {
  switch (op) {
    case 'N':
      return push_new(Kind::none), true;
    case 0x88:  // NEWTRUE
      return push_new(Kind::boolean, 1), true;
    case 0x89:  // NEWFALSE
      return push_new(Kind::boolean, 0), true;
    case 'J':  // BININT
      return push_new(Kind::integer, number<int32_t>()), true;
    case 'K':  // BININT1
      return push_new(Kind::integer, number<uint8_t>()), true;
    case 'M':  // BININT2
      return push_new(Kind::integer, number<uint16_t>()), true;
    case 0x8a:  // LONG1
      return push_long(take(number<uint8_t>())), true;
    case 0x8b:  // LONG4
      return push_long(take(number<uint32_t>())), true;
    case 'G':  // BINFLOAT, the only one with its highest byte first
      return push(add({.kind = Kind::real, .real = std::bit_cast<double>(__builtin_bswap64(number<uint64_t>()))})), true;
    case 'X':  // BINUNICODE
      push_text(take(number<uint32_t>()), true);
      break;
    case 0x8c:  // SHORT_BINUNICODE
      push_text(take(number<uint8_t>()), true);
      break;
    case 0x8d:  // BINUNICODE8
      push_text(take(number<uint64_t>()), true);
      break;
    case 'U':  // SHORT_BINSTRING
    case 'C':  // SHORT_BINBYTES
      return push_text(take(number<uint8_t>()), false), true;
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
      return push_text(take(number<uint32_t>()), false), true;
    case 0x8e:  // BINBYTES8
    case 0x96:  // BYTEARRAY8
      return push_text(take(number<uint64_t>()), false), true;
    default:
      return false;
  }
  expect(is_utf8(out_[top()].text), "expected UTF-8 text");
  return true;
}

bool Unpickler::step_collection(unsigned op) {
  switch (op) {
    case '(':
      expect(marks_.size() < most_marks, "more than 1000 marks open");
      return marks_.push_back(stack_.size()), true;
    case ')':
      return push_new(Kind::tuple), true;
    case '}':
      return push_new(Kind::dict), true;
    case ']':
      return push_new(Kind::list), true;
    case 0x8f:  // EMPTY_SET: with members it is still a value of which nothing is needed
      return push_object(add({.kind = Kind::text, .text = "set"})), true;
    case 0x91:  // FROZENSET
      pop_to_mark();
      return push_object(add({.kind = Kind::text, .text = "frozenset"})), true;
    case 0x90:  // ADDITEMS
      pop_to_mark();
      return append({}), true;
    case 't':
      return push_items(Kind::tuple, pop_to_mark()), true;
    case 0x85:  // TUPLE1 …
    case 0x86:
    case 0x87:
      return push_tuple(op - 0x84), true;
    case 's': {
      const Ref value = pop(), key = pop();
      return set_members({key, value}), true;
    }
    case 'u': {
      const std::vector<Ref> pairs = pop_to_mark();
      return set_members(pairs), true;
    }
    case 'a': {
      const Ref item = pop();
      return append({item}), true;
    }
    case 'e': {
      const std::vector<Ref> items = pop_to_mark();
      return append(items), true;
    }
    default:
      return false;
  }
}

bool Unpickler::step_name(unsigned op) {
  switch (op) {
    case 'c': {  // GLOBAL
      const std::string_view module = line(), name = line();
      const Ref first = add({.kind = Kind::text, .text = module});
      return push_name(first, add({.kind = Kind::text, .text = name})), true;
    }
    case 0x93: {  // STACK_GLOBAL
      const Ref name = pop(), module = pop();
      expect(out_[name].kind == Kind::text && out_[module].kind == Kind::text, "STACK_GLOBAL: expected two texts");
      return push_name(module, name), true;
    }
    case 'R':     // REDUCE: a function and its arguments
    case 0x81: {  // NEWOBJ: a class and its arguments
      const Ref arguments = pop();
      expect(out_[arguments].kind == Kind::tuple, "REDUCE: expected a tuple of arguments");
      return call(pop(), arguments), true;
    }
    case 0x92: {  // NEWOBJ_EX: the same with a dict of named ones
      pop();
      const Ref arguments = pop();
      expect(out_[arguments].kind == Kind::tuple, "NEWOBJ_EX: expected a tuple of arguments");
      return call(pop(), arguments), true;
    }
    case 'o': {  // OBJ: the same between marks, of Python 2
      std::vector<Ref> items = pop_to_mark();
      expect(!items.empty() && out_[items[0]].kind == Kind::name, "OBJ: expected a class");
      return push_object(items[0]), true;
    }
    case 'b':
      return build(), true;
    case 'Q':  // BINPERSID
      return push_storage(pop()), true;
    default:
      return false;
  }
}

bool Unpickler::step(unsigned op) {
  switch (op) {
    case 0x80:
      expect(number<uint8_t>() <= 5, "expected protocol 5 or lower");
      return true;
    case 0x95:  // FRAME: its length is of no use here
      number<uint64_t>();
      return true;
    case '.':
      return false;
    case '0':
      pop();
      return true;
    case '1':
      pop_to_mark();
      return true;
    case '2':
      push(top());
      return true;
    case 'q':
      memo_put(number<uint8_t>());
      return true;
    case 'r':
      memo_put(number<uint32_t>());
      return true;
    case 0x94:
      memo_put(memo_.size());
      return true;
    case 'h':
      memo_get(number<uint8_t>());
      return true;
    case 'j':
      memo_get(number<uint32_t>());
      return true;
    default:
      if (!step_constant(op) && !step_collection(op) && !step_name(op)) stop(str("opcode ", op, " is not one that a weights file needs"));
      return true;
  }
}

Pickle Unpickler::run() {
  do op_at_ = at_;
  while (step(number<uint8_t>()));
  out_.root = pop();
  expect(stack_.empty() && marks_.empty(), "STOP: expected one value on the stack");
  out_.bytes = at_;
  return std::move(out_);
}

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where) { return Unpickler(bytes, where).run(); }

std::string utf8_of(const Pickle::Value& text) {
  if (text.utf8) return std::string(text.text);
  std::string out;
  for (const char c : text.text) append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

std::vector<std::byte> bytes_of(const Pickle::Value& text) {
  std::vector<std::byte> out;
  out.reserve(text.text.size());
  for (size_t i = 0; i < text.text.size(); ++i) {
    auto c = static_cast<unsigned char>(text.text[i]);
    if (text.utf8 && c >= 0x80) {  // two bytes for a code point below 256: 110000xx 10xxxxxx
      if (c > 0xc3) return {};
      c = static_cast<unsigned char>((c & 3) << 6 | (static_cast<unsigned char>(text.text[++i]) & 0x3f));
    }
    out.push_back(std::byte{c});
  }
  return out;
}

uint64_t count_bytes(const Pickle::Value& text) {
  if (!text.utf8) return text.text.size();
  uint64_t n = 0;
  for (const char c : text.text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

std::string Pickle::type_name(Ref r) const {
  const Value& v = values[r];
  constexpr const char* names[] = {"None", "bool", "int",           "float",        "text",        "tuple",      "list",
                                   "dict", "name", "torch storage", "torch tensor", "numpy dtype", "numpy array"};
  if (v.kind < Kind::object && v.kind != Kind::name) return names[static_cast<size_t>(v.kind)];
  Ref maker = r;
  for (int depth = 0; depth < 4 && (values[maker].kind == Kind::object || values[maker].kind == Kind::unreadable); ++depth)
    maker = static_cast<Ref>(values[maker].integer);
  const Value& m = values[maker];
  std::string name = m.kind == Kind::name   ? utf8_of(values[m.items[0]]) + "." + utf8_of(values[m.items[1]])
                     : m.kind == Kind::text ? utf8_of(m)
                                            : std::string("object");
  if (name.ends_with("._reconstruct") || name.ends_with("._frombuffer")) name = "numpy array";
  if (v.kind == Kind::unreadable && !v.text.empty()) name += " of " + std::string(v.text);
  return printable(name);
}

}  // namespace mr
