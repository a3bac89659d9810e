// A data set's description for YOLO, data.yaml, read through libyaml's events: no tree is built.
//
//   path: ../coco              folder that the others start from; may be missing
//   train: images/train        a folder of pictures, a text file that lists them, or a list of such; so val and test. null: none
//   names: [person, bicycle]   or {0: person, 1: bicycle}
//
// Larger than 1 MB or nested deeper than 16: an error (libyaml's time grows with the square of the depth).
#include <yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "data/convert/readers.h"

namespace mr::convert {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr int kDeepest = 16;

class Yaml {
 public:
  Yaml(const std::string& text, const std::string& file) : file_(file) {
    check(text.size() <= kMostBytes, file, ": expected a YAML file of at most 1 MB, got ", text.size(), " bytes");
    check(yaml_parser_initialize(&parser_) == 1, file, ": out of memory");
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Yaml() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  Yaml(const Yaml&) = delete;
  Yaml& operator=(const Yaml&) = delete;

  yaml_event_type_t next() {
    yaml_event_delete(&event_);
    event_ = {};
    if (yaml_parser_parse(&parser_, &event_) != 1) {
      const std::string problem = parser_.problem ? parser_.problem : "out of memory";
      fail(file_, ": line ", uint64_t{parser_.problem_mark.line} + 1, ": not YAML: ", problem);
    }
    if (event_.type == YAML_ALIAS_EVENT) wrong("an alias (*name) is not read here");
    return event_.type;
  }
  std::string scalar() const { return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length}; }
  bool null() const {  // as YAML 1.2 has it: not in quotes
    static constexpr std::array<std::string_view, 5> words = {"", "~", "null", "Null", "NULL"};
    return event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && std::find(words.begin(), words.end(), scalar()) != words.end();
  }
  [[noreturn]] void wrong(const std::string& what) const { fail(file_, ": line ", uint64_t{event_.start_mark.line} + 1, ": ", what); }

  // The rest of the value whose first event was the last one.
  void skip() {
    int depth = 0;
    for (yaml_event_type_t type = event_.type;; type = next()) {
      if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) ++depth;
      if (depth > kDeepest) wrong(str("nested deeper than ", kDeepest));
      if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT) --depth;
      if (depth == 0) return;
    }
  }

 private:
  std::string file_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
};

// A text, or a list of texts; the first event has been taken. Nothing (null) is no text; in a list that `keep_null`
// it is the word.
std::vector<std::string> texts(Yaml& yaml, yaml_event_type_t first, const std::string& key, bool keep_null) {
  if (first == YAML_SCALAR_EVENT) return yaml.null() ? std::vector<std::string>() : std::vector<std::string>{yaml.scalar()};
  if (first != YAML_SEQUENCE_START_EVENT) yaml.wrong(key + ": expected a text or a list of them");
  std::vector<std::string> all;
  for (auto type = yaml.next(); type != YAML_SEQUENCE_END_EVENT; type = yaml.next()) {
    if (type != YAML_SCALAR_EVENT) yaml.wrong(key + ": expected a list of texts");
    if (keep_null || !yaml.null()) all.push_back(yaml.scalar());
  }
  return all;
}

std::vector<std::string> class_names(Yaml& yaml, yaml_event_type_t first) {
  if (first != YAML_MAPPING_START_EVENT) return texts(yaml, first, "names", true);  // "null" may be a name, and holds its number's place
  constexpr size_t most = 100000;
  std::vector<std::string> names;
  for (auto type = yaml.next(); type != YAML_MAPPING_END_EVENT; type = yaml.next()) {
    size_t number = 0;
    const std::string key = type == YAML_SCALAR_EVENT ? yaml.scalar() : "";
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    if (key.empty() || error != std::errc() || end != key.data() + key.size() || number >= most)
      yaml.wrong("names: expected class numbers from 0, got " + printable(key));
    if (yaml.next() != YAML_SCALAR_EVENT) yaml.wrong(str("names: ", number, ": expected a text"));
    if (names.size() <= number) names.resize(number + 1);
    names[number] = yaml.scalar();
  }
  return names;
}

}  // namespace

YoloDescription parse_yolo_yaml(const std::string& text, const std::string& file) {
  Yaml yaml(text, file);
  YoloDescription d;
  yaml.next();                                         // the stream's start
  if (yaml.next() == YAML_STREAM_END_EVENT) return d;  // an empty file
  if (yaml.next() != YAML_MAPPING_START_EVENT) yaml.wrong("expected keys such as train, val and names");
  for (auto type = yaml.next(); type != YAML_MAPPING_END_EVENT; type = yaml.next()) {
    if (type != YAML_SCALAR_EVENT) {  // a key that is a list or a mapping
      yaml.skip();
      yaml.next();
      yaml.skip();
      continue;
    }
    const std::string key = yaml.scalar();
    const auto first = yaml.next();
    if (key == "path" && first == YAML_SCALAR_EVENT)
      d.path = yaml.null() ? "" : yaml.scalar();
    else if (key == "names")
      d.names = class_names(yaml, first);
    else if (key == "kpt_shape")
      yaml.wrong("kpt_shape: this is a data set of keypoints, whose text files hold no outlines");
    else if ((key == "train" || key == "val" || key == "test") && first != YAML_MAPPING_START_EVENT)
      d.subsets.emplace_back(key, texts(yaml, first, key, false));
    else
      yaml.skip();
  }
  return d;
}

}  // namespace mr::convert
