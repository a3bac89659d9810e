// The stack machine behind read_pickle: opcodes in pickle.cpp, what the names of weights make of
// their arguments in pickle_objects.cpp.
#pragma once

#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "models/weights/pickle.h"

namespace mr {

class Unpickler {
 public:
  using Ref = Pickle::Ref;
  using Kind = Pickle::Kind;
  using Value = Pickle::Value;

  Unpickler(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}
  Pickle run();

 private:
  // Bounds on what a small file can make of itself, in memory or in time.
  static constexpr size_t most_values = 2'000'000, most_marks = 1000, most_axes = 64, longest_key = 256;

  [[noreturn]] void stop(const std::string& problem) const { fail(where_, " byte ", op_at_, ": ", problem); }
  void expect(bool ok, const char* problem) const {
    if (!ok) stop(problem);
  }

  // the bytes
  std::string_view take(uint64_t n) {
    if (n > bytes_.size() - at_) stop(str("expected ", n, " more bytes, got ", bytes_.size() - at_, " (is the file cut short?)"));
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
  void push_new(Kind kind, int64_t integer = 0) { push(add({.kind = kind, .integer = integer})); }
  void push_text(std::string_view text, bool utf8) { push(add({.kind = Kind::text, .utf8 = utf8, .text = text})); }
  void push_items(Kind kind, std::vector<Ref> items) { push(add({.kind = kind, .items = std::move(items)})); }
  // An object of which nothing is known but what made it.
  void push_object(Ref maker) { push_new(Kind::object, maker); }
  void push_unreadable(Ref maker, std::string_view type) { push(add({.kind = Kind::unreadable, .integer = maker, .text = type})); }
  Ref pop() {
    expect(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "the stack is empty");
    const Ref r = stack_.back();
    stack_.pop_back();
    return r;
  }
  Ref top() const {
    expect(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "the stack is empty");
    return stack_.back();
  }
  std::vector<Ref> pop_to_mark();
  void push_tuple(size_t n);
  void push_long(std::string_view digits);
  void set_members(const std::vector<Ref>& pairs);  // of the dict or object on top
  void append(const std::vector<Ref>& items);       // to the list or object on top

  void memo_put(uint64_t key) {
    expect(memo_.size() < most_values, "more than 2,000,000 values in the memo");
    memo_[key] = top();
  }
  void memo_get(uint64_t key) {
    const auto at = memo_.find(key);
    if (at == memo_.end()) stop(str("memo ", key, " was never stored"));
    push(at->second);
  }

  // names and what they make
  void push_name(Ref module, Ref name);
  void call(Ref callable, Ref arguments);
  void build();
  using Args = std::span<const Ref>;  // stays valid while values are added: a vector that moves keeps its items where they are
  void push_dict(Args args);
  void push_storage(Ref id);
  void push_tensor(Args args, std::optional<FileType> type);  // the type: that of the storage, unless it is given
  void push_tensor_of_type(Ref maker, Args args);
  void push_dtype(Ref maker, Args args);
  void push_array_of_buffer(Ref maker, Args args);
  void build_array(Ref array, Ref state);
  // `maker`: what to name where the array cannot be read.
  Value array_of(Ref maker, Ref sizes, Ref dtype, bool fortran, Ref bytes);
  bool is(Args args, size_t i, Kind kind) const { return i < args.size() && out_[args[i]].kind == kind; }
  const Value& argument(Args args, size_t i, Kind kind, const char* problem) const {
    expect(is(args, i, kind), problem);
    return out_[args[i]];
  }
  FileShape integers(const Value& tuple, const char* problem) const;

  bool step(unsigned op);  // false at STOP
  bool step_constant(unsigned op);
  bool step_collection(unsigned op);
  bool step_name(unsigned op);

  std::span<const std::byte> bytes_;
  std::string where_;
  size_t at_ = 0, op_at_ = 0;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;
  size_t pairs_ = 0;                           // copied from lists into dicts
  std::unordered_map<Ref, uint64_t> counted_;  // count_bytes of texts
  std::unordered_map<uint64_t, Ref> memo_;
  std::map<std::string, size_t> storage_of_key_;
  Pickle out_;
};

}  // namespace mr
