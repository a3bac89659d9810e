#include "train/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "tensor/rng.h"

namespace mr {
namespace {

// ---- printing ----

std::string toml(bool v) { return v ? "true" : "false"; }
std::string toml(int64_t v) { return std::to_string(v); }
std::string toml(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;  // the shortest text that reads back the same
  std::string s(buffer, end);
  if (s.find_first_of(".e") == std::string::npos) s += ".0";
  return s;
}
std::string toml(const std::string& v) { return toml_string(v); }
std::string toml(const Scalar& v) {
  if (const auto* b = std::get_if<bool>(&v)) return toml(*b);
  if (const auto* i = std::get_if<int64_t>(&v)) return toml(*i);
  if (const auto* d = std::get_if<double>(&v)) return toml(*d);
  if (const auto* s = std::get_if<std::string>(&v)) return toml(*s);
  return "a list or a table";
}

template <class T> std::string toml(const std::vector<T>& v) {
  std::string s = "[";
  for (size_t i = 0; i < v.size(); ++i) s += (i ? ", " : "") + toml(v[i]);
  return s + "]";
}

// ---- visitors ----

// Keeps the path of the field being visited.
class PathFields : public Fields {
 protected:
  void enter(const char* group) override { groups_.push_back(group); }
  void leave() override { groups_.pop_back(); }
  std::string path(const char* key) const { return path(key, groups_.size()); }
  // The same in the group so many levels deep.
  std::string path(const char* key, size_t depth) const {
    std::string s;
    for (size_t i = 0; i < depth; ++i) append(s, groups_[i] + ".");
    return s + key;
  }
  size_t depth() const { return groups_.size(); }

 private:
  std::vector<std::string> groups_;
};

class Flatten : public PathFields {
 public:
  std::vector<FlatField> fields;

  void field(const char* key, bool& v, const char* doc) override { add(key, toml(v), doc); }
  void field(const char* key, int64_t& v, const char* doc) override { add(key, toml(v), doc); }
  void field(const char* key, double& v, const char* doc) override { add(key, toml(v), doc); }
  void field(const char* key, std::string& v, const char* doc) override { add(key, toml(v), doc); }
  void field(const char* key, std::vector<int64_t>& v, const char* doc) override { add(key, toml(v), doc); }
  void field(const char* key, std::vector<double>& v, const char* doc) override { add(key, toml(v), doc); }
  void field(const char* key, std::vector<std::string>& v, const char* doc) override { add(key, toml(v), doc); }
  void choice(const char* key, int& v, const std::vector<const char*>& names, const char* doc) override {
    add(key, toml(std::string(names.at(static_cast<size_t>(v)))), doc);
  }

 protected:
  virtual void add(const char* key, std::string value, const char* doc) { fields.push_back({path(key), std::move(value), doc}); }
};

// The fields of the kinds that the struct does not hold.
class OtherKinds final : public Flatten {
 public:
  struct Kind {
    std::string key, name;  // "model.mask.kind" and "fcn"
  };
  std::map<std::string, Kind> kind_of;  // by the fields' keys

 protected:
  void enter(const char* group) override {
    Flatten::enter(group);
    other_.emplace_back();
  }
  void leave() override {
    Flatten::leave();
    other_.pop_back();
  }
  bool other_kind(const char* name) override {
    other_.back() = name;
    return true;
  }
  void add(const char* key, std::string, const char*) override {
    const auto outer = std::ranges::find_if(other_, [](const std::string& name) { return !name.empty(); });
    if (outer == other_.end()) return;
    const std::string of = path("kind", static_cast<size_t>(outer - other_.begin()));
    const auto [at, is_new] = kind_of.try_emplace(path(key), Kind{of, *outer});
    if (!is_new && at->second.key == of) append(at->second.name, " or " + *outer);
  }

 private:
  std::vector<std::string> other_ = {""};  // a group: the kind that is visited there and is not the struct's
};

class Assign final : public PathFields {
 public:
  // The last setting of each key.
  explicit Assign(std::span<const Setting> settings) {
    for (const Setting& s : settings) by_key_[s.key] = &s;
  }

  void field(const char* key, bool& v, const char*) override { take(key, v, "true or false"); }
  void field(const char* key, int64_t& v, const char*) override { take(key, v, "a whole number"); }
  void field(const char* key, double& v, const char*) override { take(key, v, "a number"); }
  void field(const char* key, std::string& v, const char*) override { take(key, v, "a text in quotes"); }
  void field(const char* key, std::vector<int64_t>& v, const char*) override { take(key, v, "a list of whole numbers"); }
  void field(const char* key, std::vector<double>& v, const char*) override { take(key, v, "a list of numbers"); }
  void field(const char* key, std::vector<std::string>& v, const char*) override { take(key, v, "a list of texts"); }
  void choice(const char* key, int& v, const std::vector<const char*>& names, const char*) override {
    const Setting* s = find(key);
    if (!s) return;
    const std::vector<std::string> all(names.begin(), names.end());
    std::string name;
    const bool is_text = read(*s, name);
    const auto at = std::find(all.begin(), all.end(), name);
    if (at == all.end()) {
      std::string list;
      for (const std::string& n : all) list += (list.empty() ? "" : ", ") + n;
      fail(s->where, ": ", s->key, ": expects one of ", list, ", got ", shown(*s), is_text ? hint(name, all) : std::string());
    }
    v = static_cast<int>(at - all.begin());
  }

 private:
  const Setting* find(const char* key) const {
    const auto at = by_key_.find(path(key));
    return at == by_key_.end() ? nullptr : at->second;
  }
  static std::string shown(const Setting& s) {
    if (!s.raw.empty()) return s.raw;
    return std::visit([](const auto& v) { return toml(v); }, s.value);
  }

  static bool read(const Scalar& from, bool& v) { return get(from, v); }
  static bool read(const Scalar& from, int64_t& v) { return get(from, v); }
  static bool read(const Scalar& from, std::string& v) { return get(from, v); }
  static bool read(const Scalar& from, double& v) {
    int64_t whole = 0;
    if (!get(from, whole)) return get(from, v);
    v = static_cast<double>(whole);
    return true;
  }
  template <class T> static bool get(const Scalar& from, T& v) {
    const T* p = std::get_if<T>(&from);
    if (p) v = *p;
    return p != nullptr;
  }
  template <class T> static bool read(const Setting& s, T& v) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (s.where == "--set" && !std::holds_alternative<std::string>(scalar_or_empty(s))) {
        v = s.raw;
        return true;
      }
    }
    const Scalar* one = std::get_if<Scalar>(&s.value);
    return one && read(*one, v);
  }
  template <class T> static bool read(const Setting& s, std::vector<T>& v) {
    const auto* list = std::get_if<std::vector<Scalar>>(&s.value);
    if (!list) return false;
    std::vector<T> values;
    for (const Scalar& item : *list) {
      T one{};
      if (!read(item, one)) return false;
      values.push_back(std::move(one));
    }
    v = std::move(values);
    return true;
  }
  static Scalar scalar_or_empty(const Setting& s) {
    const Scalar* one = std::get_if<Scalar>(&s.value);
    return one ? *one : Scalar{};
  }

  template <class T> void take(const char* key, T& v, const char* expected) {
    const Setting* s = find(key);
    if (s && !read(*s, v)) fail(s->where, ": ", s->key, ": expects ", expected, ", got ", shown(*s));
  }

  std::map<std::string, const Setting*> by_key_;
};

}  // namespace

std::string toml_string(const std::string& text) {
  std::string s = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      s += '\\';
      s += c;
    } else if (c == '\n') {
      s += "\\n";
    } else if (u < 0x20 || u == 0x7f) {
      constexpr char hex[] = "0123456789abcdef";
      s += "\\u00";
      s += hex[u >> 4];
      s += hex[u & 15];
    } else {
      s += c;
    }
  }
  return s + "\"";
}

std::vector<FlatField> flatten(const Visit& visit) {
  Flatten f;
  visit(f);
  return std::move(f.fields);
}

namespace {

// "; losses has class, box", the other keys of the group, where it is one of few.
std::string others_of_group(const std::string& key, const std::vector<std::string>& keys) {
  constexpr size_t few = 8;
  const std::string group = key.substr(0, key.rfind('.') + 1);
  std::vector<std::string> names;
  for (const std::string& k : keys)
    if (!group.empty() && k.starts_with(group) && k.find('.', group.size()) == std::string::npos) names.push_back(k.substr(group.size()));
  if (names.empty() || names.size() > few) return {};
  std::string list;
  for (const std::string& n : names) append(list, str(list.empty() ? "" : ", ", n));
  return str("; ", group.substr(0, group.size() - 1), " has ", list);
}

[[noreturn]] void refuse_key(const Visit& visit, const Setting& s, const std::vector<FlatField>& fields) {
  std::vector<std::string> keys;
  for (const FlatField& f : fields) keys.push_back(f.key);
  for (const std::string& k : keys) check(!k.starts_with(s.key + "."), s.where, ": ", s.key, ": is a group of keys such as ", k);
  OtherKinds others;
  visit(others);
  if (const auto other = others.kind_of.find(s.key); other != others.kind_of.end()) {
    const OtherKinds::Kind& kind = other->second;
    const std::string& here = std::ranges::find(fields, kind.key, &FlatField::key)->value;
    fail(s.where, ": ", s.key, ": belongs to ", kind.key, " = ", kind.name, ", which here is ", here);
  }
  fail(s.where, ": ", s.key, ": there is no such key", hint(s.key, keys), others_of_group(s.key, keys));
}

void assign_layer(const Visit& visit, std::span<const Setting> settings, Places* places) {
  Assign a(settings);
  visit(a);
  const std::vector<FlatField> fields = flatten(visit);  // of the kinds that are there now
  for (const Setting& s : settings) {
    if (std::ranges::find(fields, s.key, &FlatField::key) == fields.end()) refuse_key(visit, s, fields);
    if (places) (*places)[s.key] = s.where;
  }
}

}  // namespace

void assign(const Visit& visit, const std::vector<Setting>& settings, Places* places) {
  constexpr const char* typed = "--set";
  for (auto begin = settings.begin(); begin != settings.end();) {
    const auto end = std::find_if(begin, settings.end(), [begin](const Setting& s) {
      return s.layer != begin->layer && (s.where != typed || begin->where != typed);
    });
    assign_layer(visit, {begin, end}, places);
    begin = end;
  }
}

std::string to_toml(const Visit& visit, bool with_docs) {
  std::vector<std::string> groups = {""};  // TOML wants the keys outside any [group] first
  std::map<std::string, std::string> text;
  for (const FlatField& f : flatten(visit)) {
    const size_t dot = f.key.rfind('.');
    const std::string group = dot == std::string::npos ? "" : f.key.substr(0, dot);
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
    std::string line = f.key.substr(dot == std::string::npos ? 0 : dot + 1) + " = " + f.value;
    if (with_docs && !f.doc.empty()) {
      if (line.size() < 36) line.resize(36, ' ');
      line += "  # " + f.doc;
    }
    text[group] += line + "\n";
  }
  std::string out;
  for (const std::string& g : groups) out += g.empty() ? text[g] : "\n[" + g + "]\n" + text[g];
  return out;
}

uint64_t config_hash(const Visit& visit) {
  std::string text;
  for (const FlatField& f : flatten(visit)) text += f.key + "=" + f.value + "\n";
  return hash64(text);
}

std::vector<Difference> differences(const Visit& before, const Visit& after) {
  std::map<std::string, std::string> old;
  for (FlatField& f : flatten(before)) old[f.key] = f.value;
  std::vector<Difference> out;
  for (const FlatField& f : flatten(after)) {
    const auto at = old.find(f.key);
    const std::string was = at == old.end() ? "" : at->second;
    if (was != f.value) out.push_back({f.key, was, f.value});
  }
  return out;
}

}  // namespace mr
