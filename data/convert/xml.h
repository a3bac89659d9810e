// An annotation file's XML, with errors by line and element: "a.xml: line 5: <polygon>: points: expected numbers, got x".
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace mr::convert {

class XmlFile {
 public:
  // Errors: not XML; an outermost element of another name (null: any may be).
  XmlFile(const std::string& text, const std::string& file, const char* outermost);

  pugi::xml_node root() const { return root_; }
  std::string record(pugi::xml_node node) const;  // "line 5: <polygon>"
  [[noreturn]] void wrong(pugi::xml_node node, const std::string& field, const std::string& what) const;

  std::string attribute(pugi::xml_node node, const char* name) const;            // errors: missing
  double number(pugi::xml_node node, const char* name) const;                    // an attribute; errors: missing, no number
  double number(pugi::xml_node node, const char* name, double otherwise) const;  // where it is missing
  int pixels(pugi::xml_node node, const char* name) const;                       // a size: 1 … 1e9
  double as_number(pugi::xml_node node, const std::string& field, std::string_view text) const;

 private:
  const std::string &text_, &file_;
  pugi::xml_document document_;
  pugi::xml_node root_;
};

}  // namespace mr::convert
