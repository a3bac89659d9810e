#include "base/json_reader.h"

#include <cmath>

#include "base/check.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

JsonNumber number(const std::string& text) {
  JsonReader r(text, "t");
  const JsonNumber n = r.number();
  r.end();
  return {n.value, n.integer, n.is_integer, {}};
}
std::string string(const std::string& text) {
  JsonReader r(text, "t");
  std::string s(r.string());
  r.end();
  return s;
}
void skim(const std::string& text) {
  JsonReader r(text, "t.json");
  r.skip();
  r.end();
}

}  // namespace

TEST_CASE("json: numbers are the nearest doubles", "[json]") {
  CHECK(number("321.02").value == 321.02);
  CHECK(number("-0.1").value == -0.1);
  CHECK(number("0").is_integer);
  CHECK(number("123456789012345").value == 123456789012345.0);
  CHECK(number("12345678901234567890.5").value == 12345678901234567890.5);
  CHECK(number("0.12345678901234567").value == 0.12345678901234567);
  CHECK(number("1234567890123456.7").value == 1234567890123456.7);
  CHECK(number("1e3").value == 1000);
  CHECK_FALSE(number("1e3").is_integer);
  CHECK(number("-9223372036854775808").integer == INT64_MIN);
  CHECK(number("9223372036854775807").integer == INT64_MAX);
  CHECK_FALSE(number("9223372036854775808").is_integer);
  CHECK(number("1e400").value == HUGE_VAL);
  CHECK(number("-1e400").value == -HUGE_VAL);
  CHECK(number("1e-400").value == 0);
  CHECK(std::isnan(number("NaN").value));
  CHECK(number("-Infinity").value == -HUGE_VAL);
  for (uint64_t i = 1, x = 88172645463325252u; i < 20000; ++i) {  // as strtod, whatever the number of digits
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    std::string s = std::to_string(x).substr(0, 1 + i % 19);
    if (s.size() > 1) s.insert(1 + x % (s.size() - 1), 1, '.');
    if (number(s).value != std::strtod(s.c_str(), nullptr)) FAIL(s);
  }
}

TEST_CASE("json: strings", "[json]") {
  CHECK(string(R"("abc")") == "abc");
  CHECK(string(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(string(R"("a\u00e9\u20ac\ud83d\ude00z")") == "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
  CHECK(string("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"") == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(string(" \"\" ").empty());
  for (const char* bad : {"\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\x80\""})
    CHECK_THROWS_WITH(string(bad), Contains("not UTF-8"));
  CHECK_THROWS_WITH(string(R"("\ud800")"), Contains("surrogate"));
  CHECK_THROWS_WITH(string(R"("\udc00")"), Contains("surrogate"));
  CHECK_THROWS_WITH(string(R"("\ud800\u0041")"), Contains("surrogate"));
  CHECK_THROWS_WITH(string(R"("\u12g4")"), Contains("hexadecimal"));
  CHECK_THROWS_WITH(string(R"("\x")"), Contains("an escape"));
  CHECK_THROWS_WITH(string("\"a\nb\""), Contains("end of a string, got byte 10"));
  CHECK_THROWS_WITH(string("\"a"), Contains("truncated"));
  CHECK_THROWS_WITH(string("\"a\\"), Contains("truncated"));
}

TEST_CASE("json: members in order, with what they hold", "[json]") {
  const std::string text = R"({"a": [1, 2.5, []], "b\u0021": {"c": null, "d": true}, "e": false})";
  JsonReader r(text, "t");
  std::string seen;
  r.object([&](std::string_view key) {
    seen += key;
    seen += '=';
    seen += r.skipped();
    seen += ';';
  });
  r.end();
  CHECK(seen == "a=[1, 2.5, []];b!={\"c\": null, \"d\": true};e=false;");
}

TEST_CASE("json: faults by place", "[json]") {
  CHECK_THROWS_WITH(skim("{\"a\": 1,\n \"b\": }"), Contains("t.json: line 2, column 7 (byte 15): expected a value, got '}'"));
  CHECK_THROWS_WITH(skim("[1, 2"), Contains("expected ',' or ']', got the end of the file: the JSON is truncated"));
  CHECK_THROWS_WITH(skim("{\"a\""), Contains("truncated"));
  CHECK_THROWS_WITH(skim(""), Contains("truncated"));
  CHECK_THROWS_WITH(skim("[1,]"), Contains("after ','"));
  CHECK_THROWS_WITH(skim("{\"a\":1,}"), Contains("a key"));
  CHECK_THROWS_WITH(skim("[1 2]"), Contains("',' or ']', got '2'"));
  CHECK_THROWS_WITH(skim("[1] x"), Contains("the end of the file, got 'x'"));
  CHECK_THROWS_WITH(skim(std::string("[1]\0", 4)), Contains("got byte 0"));
  CHECK_THROWS_WITH(skim("tru"), Contains("a value"));
  CHECK_THROWS_WITH(skim("{\"a\": 1, \"b\": 2, \"\\u0061\": 3}"), Contains("\"a\" stands twice"));
  for (const char* bad : {"01", "1.", "-", "1e", ".5", "+1", "1.e3", "--1", "0x1"}) CHECK_THROWS_WITH(skim(bad), Contains("expected"));
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) many += str("\"k", i, "\": 0, ");
  CHECK_THROWS_WITH(skim(many + "\"k77\": 1}"), Contains("\"k77\" stands twice"));
  skim(many + "\"k\": 1}");
}

TEST_CASE("json: 64 levels, not 65, and a million is no crash", "[json]") {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  skim(nested(64));
  CHECK_THROWS_WITH(skim(nested(65)), Contains("nested deeper than 64 levels"));
  CHECK_THROWS_WITH(skim(nested(1000000)), Contains("nested deeper than 64 levels"));
  std::string objects;
  for (int i = 0; i < 1000000; ++i) objects += "{\"a\":";
  CHECK_THROWS_WITH(skim(objects), Contains("nested deeper than 64 levels"));
}
