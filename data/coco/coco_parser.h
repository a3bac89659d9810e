// Reads a COCO annotation file front to back; what it must be is in data/coco/coco_file.h. Records are read in coco_parser.cpp; what can be
// told only when all are read is in coco_parser_whole.cpp.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/json_reader.h"
#include "data/coco/coco_file.h"
#include "data/coco/segmentation.h"

namespace mr {

class CocoParser {
 public:
  // `report` hears of every problem. `text` must outlive the parser.
  CocoParser(const std::string& text, const std::string& name, const CocoReadOptions& options, CocoReport report);

  // Errors: those of the JSON.
  CocoFile parse();

 private:
  using Effect = CocoProblem::Effect;
  static constexpr double no_area = -1;  // not stated, until all is read
  // An annotation without a segmentation. Told when all are read: if none has one, it is a file of boxes.
  struct Lacking {
    size_t place;   // in file_.annotations
    int64_t index;  // in the section
    const char* text;
  };

  void read_sections();
  template <class Record> bool section(const char* name, Record&& record);  // whether it is a list
  template <class Record> void keep(Record record, std::vector<Record>& records, std::unordered_set<int64_t>& refused);
  void image();
  void category();
  void annotation();
  void crowd(CocoAnnotation& a);
  bool bbox(CocoAnnotation& a);  // whether there is one
  bool bounds(CocoAnnotation& a, std::string_view skipped);
  void side(const char* name, double from, double length);
  const char* segmentation(CocoAnnotation& a);  // what it lacks, if it has no mask at all
  void keep_mask(CocoAnnotation& a);

  void problem(std::string_view field, const std::string& text, Effect effect = Effect::stops);
  void file_problem(std::string_view field, const std::string& text);
  Effect settle();  // tells what is wrong with the record; the worst of it
  bool whole(std::string_view field, int64_t& out);
  bool number(std::string_view field, double& out);
  bool string(std::string_view field, std::string& out);
  void extent(std::string_view field, int64_t& out);
  void category_name(std::string& out);
  void require(bool present, std::string_view field);
  void identity();

  void tell_lacking();
  template <class Record> void drop_repeated(std::vector<Record>& records, const char* name);
  void check_references();
  void fill_areas();
  bool check_reference(CocoAnnotation& a, const std::unordered_map<int64_t, const CocoImage*>& images,
                       const std::unordered_set<int64_t>& categories);

  JsonReader json_;
  CocoReadOptions options_;
  CocoReport report_;
  CocoFile file_;

  const char* section_ = "";  // of the record being read
  int64_t index_ = 0;
  std::optional<int64_t> id_, image_id_;
  std::vector<CocoProblem> pending_;
  Segmentation segmentation_;
  std::vector<Lacking> lacking_;
  std::unordered_set<int64_t> refused_images_, refused_categories_;
  bool images_read_ = false, categories_read_ = false;  // the sections are lists
};

}  // namespace mr
