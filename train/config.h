// Configuration structs (base/fields.h) from and to text: TOML files, --set a.b=c, printing, hash, difference.
//
// Every key is the path of a field, "optimiser.lr". A setting is one key = value with the place it was written at, so that each
// error can name it:  my.toml:12: optimiser.lrr: there is no such key; the nearest is optimiser.lr
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/fields.h"

namespace mr {

using Scalar = std::variant<std::monostate, bool, int64_t, double, std::string>;  // monostate: a list or a table in a list

struct Setting {
  std::string key;  // "optimiser.lr"
  std::variant<Scalar, std::vector<Scalar>> value;
  std::string where;  // "my.toml:12", "--set"
  std::string raw;    // of --set: the text as typed, taken where the field is a string
  int layer = 0;      // of texts laid over one another, from the bottom: a base, the recipe, each --set
};

// Reads TOML text into settings in the order of the file. Errors: what TOML forbids, and what is larger or deeper than a recipe may be
// (train/toml_check.h), as "my.toml:12:7: …", by line and character.
std::vector<Setting> parse_toml(const std::string& text, const std::string& file);
// "optimiser.lr=0.01". The value is TOML, or else a bare string:  data.root=../nuclei
Setting parse_assignment(const std::string& text);

using Visit = std::function<void(Fields&)>;  // visits one configuration struct
template <class Struct> Visit visit_of(Struct& s) {
  return [&s](Fields& f) { s.visit(f); };
}
template <class Struct> Visit visit_of(const Struct& s) {  // for reading: visits a copy
  return [copy = s](Fields& f) mutable { copy.visit(f); };
}

using Places = std::map<std::string, std::string>;  // key → where it was set last

// Writes the settings into the struct, later ones over earlier ones. A layer that makes a part
// another kind leaves behind what the layers below said of that part; all --set are one layer, in
// which their order does not count. Errors: an unknown key (the nearest is named), a key of another
// kind than the struct's (which is named), a value of the wrong type.
void assign(const Visit& visit, const std::vector<Setting>& settings, Places* places = nullptr);

struct FlatField {
  std::string key, value, doc;  // value as TOML
  bool operator==(const FlatField&) const = default;
};
std::vector<FlatField> flatten(const Visit& visit);

std::string to_toml(const Visit& visit, bool with_docs);
std::string toml_string(const std::string& text);  // quoted and escaped
uint64_t config_hash(const Visit& visit);

struct Difference {
  std::string key, before, after;  // before: empty where the field is of a kind that was not there
};
std::vector<Difference> differences(const Visit& before, const Visit& after);

}  // namespace mr
