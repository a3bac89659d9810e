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
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
    enter(key);
    s.visit(*this);
    leave();
  }

 protected:
  virtual void enter(const char* group) = 0;
  virtual void leave() = 0;
};

}  // namespace mr
