// What every reader of this folder makes of its format: images with named objects, each seen as polygons or as pixels.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/convert/convert.h"
#include "geometry/rle.h"

namespace mr::convert {

using Polygon = std::vector<double>;  // x0 y0 x1 y1 …

struct NamedObject {
  std::string record;             // for messages: "shapes[3]", "line 7"
  std::string name;               // of its class
  std::vector<Polygon> polygons;  // the object in parts, in pixels
  std::optional<Rle> pixels;      // instead of polygons, or beside them: the object is both together
  bool crowd = false;
  bool box = false;   // a rectangle drawn around the object rather than its outline
  bool line = false;  // an open line, taken as an outline: its end is joined to its start
};

struct NamedImage {
  std::string source;             // file of the annotation, for messages
  std::string stated;             // the picture, as the annotation has it
  std::string file;               // where it was found; empty: nowhere
  std::string otherwise;          // what to do then, where the format knows
  int height = 0, width = 0;      // as the annotation states them; 0: it does not
  bool shares = false;            // coordinates are shares of the image's size
  std::string subset;             // "train", "val", …; empty: the source knows none
  std::vector<std::string> also;  // further subsets that hold it
  std::vector<NamedObject> objects;
};

// Gathers shapes to objects: those of one class and one group are one object in parts.
class Groups {
 public:
  explicit Groups(std::vector<NamedObject>& objects) : objects_(objects) {}
  void add(NamedObject shape, const std::string& group);  // empty: on its own

 private:
  std::vector<NamedObject>& objects_;
  std::map<std::pair<std::string, std::string>, size_t> places_;  // (class, group) → object
};

// A number of things, of which a person is told the first three.
class FirstThree {
 public:
  void add(std::string one) {
    if (count_++ < 3) first_.push_back(std::move(one));
  }
  int64_t count() const { return count_; }
  const std::vector<std::string>& first() const { return first_; }
  std::string list(const char* between = ", ") const;  // "a, b, c, ..."

 private:
  int64_t count_ = 0;
  std::vector<std::string> first_;
};

// Records that are left out, in order.
class Faults {
 public:
  explicit Faults(bool stop) : stop_(stop) {}

  // "FILE: RECORD: text". An Error where such are to stop.
  void leave_out(const std::string& file, const std::string& record, const std::string& text);

  int64_t count() const { return lines_.count(); }
  const std::vector<std::string>& first() const { return lines_.first(); }
  std::string list() const { return lines_.list("; "); }

 private:
  bool stop_;
  FirstThree lines_;
};

struct NamedData {
  std::vector<NamedImage> images;
  std::vector<std::string> classes;  // that the source declares, whether or not an object has them
  std::vector<std::string> notes;    // for the person, a sentence each
};

}  // namespace mr::convert
