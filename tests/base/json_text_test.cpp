#include "base/json_text.h"

#include <array>
#include <limits>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/text.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("json: objects, arrays and values", "[json_text]") {
  JsonWriter j;
  j.object().field("a", 1).field("b", true).key("c").array().value("x").value(0.5).value(-7).end();
  j.key("d").object().end().key("e").list(std::array{1.5f, 0.1f}).key("f").written("{\"g\": []}").end();
  CHECK(j.text() == R"({"a": 1, "b": true, "c": ["x", 0.5, -7], "d": {}, "e": [1.5, 0.1], "f": {"g": []}})");
  CHECK(JsonWriter().value("alone").take() == "\"alone\"");
}

TEST_CASE("json: lines", "[json_text]") {
  JsonWriter j;
  j.array().line(" ").object().field("a", 1).end().line(" ").object().field("a", 2).line("  ").field("b", 3).end().line().end();
  CHECK(j.text() == "[\n {\"a\": 1},\n {\"a\": 2,\n  \"b\": 3}\n]");
}

TEST_CASE("json: what is taken is not written again, and the writer goes on", "[json_text]") {
  JsonWriter j;
  j.array().value(1);
  CHECK(j.take() == "[1");
  j.value(2);
  CHECK(j.take() == ", 2");
  CHECK(j.end().take() == "]");
}

TEST_CASE("json: any text and any number is read back", "[json_text]") {
  std::string text = "\xf0\x9f\x98\x80 \xc3\xa9 \"quoted\" \\ / \x7f";
  for (char c = 0; c < 0x20; ++c) text += c;
  const std::string json = json_string(text);
  JsonReader r(json, "text");
  CHECK(r.string() == text);
  CHECK(json_string("a\xff\xc3") == "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
  for (const double v : {0.1, 1e300, -2.5e-308, 123456789.0, 5e-324}) {
    const std::string number = json_number(v);
    CHECK(JsonReader(number, "number").number().value == v);
  }
  CHECK(json_number(0.1f) == "0.1");
  CHECK(json_number(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(json_number(-std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("json: what would be no JSON is an error", "[json_text]") {
  CHECK_THROWS_WITH(JsonWriter().object().value(1), Contains("a value in an object without its key"));
  CHECK_THROWS_WITH(JsonWriter().array().key("a"), Contains("the key a stands where no key may"));
  CHECK_THROWS_WITH(JsonWriter().key("a"), Contains("the key a stands where no key may"));
  CHECK_THROWS_WITH(JsonWriter().object().key("a").key("b"), Contains("the key b stands where no key may"));
  CHECK_THROWS_WITH(JsonWriter().value(1).value(2), Contains("a second value at the top"));
  CHECK_THROWS_WITH(JsonWriter().end(), Contains("an end without a beginning"));
  CHECK_THROWS_WITH(JsonWriter().object().key("a").end(), Contains("an end without a beginning"));
}

TEST_CASE("utf8_sequence: one character", "[text]") {
  CHECK(utf8_sequence("") == 0);
  CHECK(utf8_sequence("ab") == 1);
  CHECK(utf8_sequence("\xc3\xa9z") == 2);
  CHECK(utf8_sequence("\xe2\x82\xac") == 3);
  CHECK(utf8_sequence("\xf0\x9f\x98\x80") == 4);
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82"})
    CHECK(utf8_sequence(bad) == 0);
}
