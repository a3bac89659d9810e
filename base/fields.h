// A configuration struct lists its fields once, in `visit`; printing, reading TOML, --set a.b=c, the checkpoint header and the
// run's hash all come from that list.
//
//   struct Sgd {
//     double lr = 0.02, momentum = 0.9;
//     void visit(Fields& f) {
//       f.field("lr", lr, "learning rate at the end of the warm-up, for the batch as given");
//       f.field("momentum", momentum, "…");
//     }
//   };
//   struct Recipe { Sgd sgd;  void visit(Fields& f) { f.group("sgd", sgd); } };
//
// What there is in several kinds is a std::variant of structs, each with the name of its kind and a
// line about it:
//
//   struct NoMask {
//     static constexpr const char *kind = "none", *about = "boxes alone";
//     void visit(Fields&) {}
//   };
//   struct MaskFCN {
//     static constexpr const char *kind = "fcn", *about = "convolutions";
//     int64_t convs = 4;
//     void visit(Fields& f) { f.field("convs", convs, "…"); }
//   };
//   struct Model {
//     std::variant<NoMask, MaskFCN> mask;
//     void visit(Fields& f) { f.variant("mask", mask); }
//   };
//
//   [mask]
//   kind = "fcn"      # none: boxes alone; fcn: convolutions
//   convs = 2         # a field of this kind
//
// Where `kind` becomes another one, that one starts with its defaults.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/check.h"

namespace mr {

class Fields {
 public:
  virtual ~Fields() = default;
  virtual void field(const char* key, bool& v, const char* doc) = 0;
  virtual void field(const char* key, int64_t& v, const char* doc) = 0;
  virtual void field(const char* key, double& v, const char* doc) = 0;
  virtual void field(const char* key, std::string& v, const char* doc) = 0;
  virtual void field(const char* key, std::vector<int64_t>& v, const char* doc) = 0;
  virtual void field(const char* key, std::vector<double>& v, const char* doc) = 0;
  virtual void field(const char* key, std::vector<std::string>& v, const char* doc) = 0;
  // One of a fixed list of names; v is the index into it.
  virtual void choice(const char* key, int& v, const std::vector<const char*>& names, const char* doc) = 0;

  template <class Enum> void choice(const char* key, Enum& v, const std::vector<const char*>& names, const char* doc) {
    int i = static_cast<int>(v);
    choice(key, i, names, doc);
    v = static_cast<Enum>(i);
  }
  template <class Struct> void group(const char* key, Struct& s) {
    group(key, [&s](Fields& f) { s.visit(f); });
  }
  template <std::invocable<Fields&> Visit> void group(const char* key, const Visit& visit) {
    enter(key);
    visit(*this);
    leave();
  }
  template <class... Kinds> void variant(const char* key, std::variant<Kinds...>& v) {
    group(key, [&v](Fields& f) { f.kind(v); });
  }
  // The same without a group of its own: "kind" and that kind's fields stand among the fields here,
  // as the last of them.
  template <class... Kinds> void kind(std::variant<Kinds...>& v) {
    std::string doc;
    (append(doc, str(doc.empty() ? "" : "; ", Kinds::kind, ": ", Kinds::about)), ...);
    const auto before = static_cast<int>(v.index());
    int now = before, k = 0;
    choice("kind", now, {Kinds::kind...}, doc.c_str());
    if (now != before) ((k++ == now ? void(v = Kinds{}) : void()), ...);
    std::visit([this](auto& held) { held.visit(*this); }, v);
    k = 0;
    ((k++ != now ? visit_other<Kinds>() : void()), ...);
  }

 protected:
  virtual void enter(const char* group) = 0;
  virtual void leave() = 0;
  // Whether the fields of a kind that a variant does not hold are visited, too, behind those of the
  // one that it holds.
  virtual bool other_kind(const char*) { return false; }

 private:
  template <class Kind> void visit_other() {
    if (!other_kind(Kind::kind)) return;
    Kind defaults;
    defaults.visit(*this);
  }
};

// The name of the kind that a variant holds.
template <class... Kinds> const char* kind_of(const std::variant<Kinds...>& v) {
  return std::visit([](const auto& held) { return held.kind; }, v);
}

// The struct of that kind, for what is about this kind alone. Errors: the variant, which is called
// `name`, holds another one.
template <class Kind, class Variant> auto& as_kind(Variant& v, const std::string& name) {
  auto* held = std::get_if<Kind>(&v);
  check(held != nullptr, name, ".kind: expected \"", Kind::kind, "\", got \"", kind_of(v), "\"");
  return *held;
}

}  // namespace mr
