// A page of mrcnn explain, read as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "tests/app/program.h"

namespace mr {

using Numbers = std::vector<std::vector<double>>;

inline nlohmann::json explained(const std::string& arguments) {
  const Result r = mrcnn("explain " + arguments + " --json");
  INFO(r.err);
  REQUIRE(r.status == 0);
  return nlohmann::json::parse(r.out);
}

// The first row of any table whose first cell is `name`.
inline nlohmann::json row(const nlohmann::json& page, const std::string& name) {
  for (const auto& t : page["tables"])
    for (const auto& r : t["rows"])
      if (r[0] == name) return r;
  FAIL("no row " << name);
  return {};
}

inline nlohmann::json table(const nlohmann::json& page, const std::string& title) {
  for (const auto& t : page["tables"])
    if (t["title"] == title) return t["rows"];
  FAIL("no table " << title);
  return {};
}

// The rows' cells from `first` on are these numbers.
inline void check_numbers(const nlohmann::json& rows, size_t first, const Numbers& expected, double margin = 6e-5) {
  REQUIRE(rows.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    for (size_t k = 0; k < expected[i].size(); ++k) {
      INFO("row " << i << ", number " << k << " of " << rows.dump());
      CHECK(rows[i].at(first + k).get<double>() == Approx(expected[i][k]).margin(margin));
    }
}

inline bool says(const nlohmann::json& page, const std::string& words) {
  for (const auto& paragraph : page["text"])
    if (paragraph.get<std::string>().find(words) != std::string::npos) return true;
  return false;
}

// The page; its figure is whole, holds each of the texts, and comes out the same twice.
inline nlohmann::json drawn(const std::string& arguments, const std::vector<std::string>& texts) {
  const std::string figure = folder() + "/figure.svg", again = folder() + "/again.svg";
  const nlohmann::json page = explained(arguments + " --overwrite --figure " + figure);
  explained(arguments + " --overwrite --figure " + again);
  const std::string svg = read_text_file(figure);
  CHECK(svg == read_text_file(again));
  CHECK(svg.rfind("<svg ", 0) == 0);
  CHECK(svg.rfind("</svg>\n") == svg.size() - 7);
  CHECK(svg.find("nan") == std::string::npos);
  for (const std::string& t : texts) {
    INFO(t);
    CHECK(svg.find(">" + t + "</text>") != std::string::npos);
  }
  return page;
}

}  // namespace mr
