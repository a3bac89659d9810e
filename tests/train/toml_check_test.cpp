#include "train/toml_check.h"

#include "base/check.h"
#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/fuzz.h"
#include "train/config.h"
#include "train/recipe.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

void refused(const std::string& text, const std::string& message) {
  INFO(text.substr(0, 200));
  CHECK_THROWS_WITH(parse_toml(text, "my.toml"), Contains(message));
}

}  // namespace

TEST_CASE("TOML: depth is limited before anything recurses", "[toml]") {
  const std::string parts = repeated("a.", 20'000), deep = "nested deeper than 16 levels";
  refused(parts + "a = 1", "my.toml:1:33: " + deep);
  refused("[" + parts + "a]", "my.toml:1:34: " + deep);
  refused("[[" + parts + "a]]", deep);
  refused("v = " + repeated("[", 100'000) + repeated("]", 100'000), deep);
  refused("v = " + repeated("{a = ", 20'000) + "1" + repeated("}", 20'000), deep);
  refused("v = {" + parts + "a = 1}", deep);
  refused("[" + repeated("a.", 9) + "a]\n" + repeated("b.", 6) + "b = 1", "my.toml:2:13: " + deep);  // 10 + 7 levels
  CHECK(parse_toml("[" + repeated("a.", 9) + "a]\n" + repeated("b.", 5) + "b = 1", "my.toml").size() == 1);
  CHECK(parse_toml("v = " + repeated("[", 15) + repeated("]", 15), "my.toml").size() == 1);
  CHECK_THROWS_WITH(recipe_from_toml(parts + "a = 1", "a.safetensors (recipe)"), Contains("a.safetensors (recipe):1:33: " + deep));
  CHECK(std::get<std::string>(std::get<Scalar>(parse_assignment("x=" + repeated("[", 100'000)).value)).size() == 100'000);  // a bare text
}

TEST_CASE("TOML: what toml++ would trip over is named by line and character", "[toml]") {
  refused("[!a]", "my.toml:1:2: expected a key, got '!'");
  refused("x = 1\n[b]\nlr = ÷\n", "my.toml:3:6: expected a value: a number, true, false, a text in quotes, a list, got '÷'");
  refused("÷ = 1", "my.toml:1:1: expected a key, got '÷'");
  refused("a.÷ = 1", "my.toml:1:3: expected a key, got '÷'");
  refused("x = \xff", "my.toml:1:5: expected UTF-8, got byte 255");
  refused("x = \"\xc3\"", "my.toml:1:6: expected UTF-8, got byte 195");
  refused("x = 'ä\x01'", "my.toml:1:7: expected a \"'\" at the end of a text, got '?'");
  refused("x = 1 y = 2", "my.toml:1:7: expected the end of the line, got 'y'");
  refused("x 1", "my.toml:1:3: expected '=' after a key, got '1'");
  refused("x =\n1", "my.toml:1:4: expected a value");
  refused("x = 1.0\n[", "my.toml:2:2: expected a key, got the end of the text");
  refused("[a\nb]", "my.toml:1:3: expected ']', got the end of the line");
  refused("[[a]\n", "my.toml:1:5: expected ']]', got the end of the line");
  refused("x = [1, 2", "my.toml:1:10: expected ',' or ']' after a value of a list, got the end of the text");
  refused("x = [,]", "my.toml:1:6: expected a value");
  refused("x = {a = 1,}", "my.toml:1:12: expected a key, got '}'");
  refused("x = {a = 1\n}", "my.toml:1:11: expected ',' or '}' after a value of a table, got the end of the line");
  refused("x = \"a", "my.toml:1:7: expected a '\"' at the end of a text, got the end of the text");
  refused("x = 'a\n'", "my.toml:1:7: expected a \"'\" at the end of a text, got the end of the line");
  refused("x = \"\"\"a\n\n", "my.toml:3:1: expected three '\"' at the end of a text, got the end of the text");
  refused("x = \"\\\"", "my.toml:1:8: expected a '\"' at the end of a text");
  refused("x = \"\\\xc3\xa9\"", "my.toml:1:7: expected an escape, got '\xc3\xa9'");
  refused("x = \"\"\"\\ \xc3\xa9\"\"\"", "my.toml:1:9: expected an escape, got ' '");
  refused("x = \"\\u12g4\"", "my.toml:1:10: expected a hexadecimal digit, got 'g'");
  refused("# a\x01 b", "my.toml:1:4: expected a comment without control characters, got '?'");
  refused("x = " + repeated("1", 65), "my.toml:1:5: expected a value");
  for (const char* odd : {"1.0.",      "1__0", "_1",  "1_",  "01",   "+",    ".5",       "1.",         "1.e5",     "1e",
                          "0x",        "0xg",  "0o8", "0b2", "+0x1", "True", "infinity", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z",
                          "truefalse", "t"})
    refused("x = " + std::string(odd),
            str("my.toml:1:5: expected a value: a number, true, false, a text in quotes, a list, got '", odd, "'"));
  refused(repeated("x", 300'000), "my.toml: expected at most 262144 bytes of settings, got 300000");
  refused("x = 1\nx = 2", "my.toml:2:");  // what toml++ itself says has both numbers too
}

TEST_CASE("TOML: whatever TOML allows gets through", "[toml]") {
  const std::string text =
      "\xef\xbb\xbf# a comment with é\r\n"
      "top = 1_000\r\n"
      "  \"quoted key\" = 'a # no comment'\t# one\n"
      "a . b.'c' = [ 1, # first\n  2,\n]\n"
      "[ deep . er ]\n"
      "hex = 0xdead_beef\nf = -1.5e-3\ni = inf\nn = -nan\nt = true\no = 0o17\nb = 0b1_0\nz = +0\ne5 = 1_0e+5\n"
      "s = \"\\\"escaped\\\" \\\\\"\n"
      "m = \"\"\"two \"quotes\" \\\"\"\" and\nlines \"\"\"\"\"\n"
      "l = '''it''s\n'''''\n"
      "e = ''\nee = \"\"\n"
      "inline = { x = 1, y.z = [[1], ['a']], t = {} }\n"
      "[[list]]\n[[list]]\nv = 1";
  const std::vector<Setting> settings = parse_toml(text, "my.toml");
  std::string keys;
  for (const Setting& s : settings) keys += s.key + " ";
  CHECK(keys ==
        "top quoted key a.b.c deep.er.hex deep.er.f deep.er.i deep.er.n deep.er.t deep.er.o deep.er.b deep.er.z deep.er.e5 deep.er.s "
        "deep.er.m deep.er.l deep.er.e "
        "deep.er.ee deep.er.inline.x deep.er.inline.y.z list ");
  for (const ShippedRecipe& r : shipped_recipes()) CHECK_NOTHROW(check_toml(r.toml, r.name));
  CHECK(parse_toml("", "my.toml").empty());
  CHECK(parse_toml("\n\r\n  \t# end", "my.toml").empty());
}

namespace {

// Texts that are nearly TOML: most of them get past the check, so that toml++ sees odd ones.
class Texts {
 public:
  Texts(const std::string& recipes, Rng& rng) : recipes_(recipes), rng_(rng) {}

  // Some lines, made or out of a recipe, with up to two changes.
  std::string next() {
    std::string s;
    if (rng_.below(4) == 0) {
      const size_t at = recipes_.find('\n', rng_.below(recipes_.size() - 1));
      s = recipes_.substr(std::min(at, recipes_.size()), rng_.below(300));
    }
    for (uint64_t n = rng_.below(6); n > 0; --n) s += line() + (rng_.below(8) == 0 ? "\r\n" : "\n");
    for (uint64_t n = rng_.below(3); n > 0; --n) change(s);
    return s;
  }

 private:
  template <size_t n> std::string one_of(const char* const (&all)[n]) { return all[rng_.below(n)]; }
  std::string letters(const std::string& alphabet, uint64_t most) {
    std::string s;
    for (uint64_t n = 1 + rng_.below(most); n > 0; --n) s += alphabet[rng_.below(alphabet.size())];
    return s;
  }

  std::string line() {
    switch (rng_.below(8)) {
      case 0:
        return "[" + key() + "]";
      case 1:
        return "[[" + key() + "]]";
      case 2:
        return "# " + text();
      default:
        return key() + " = " + value(0);
    }
  }
  std::string key() {
    std::string s;
    for (uint64_t n = rng_.below(3) == 0 ? 1 + rng_.below(4) : 1; n > 0; --n) s += (s.empty() ? "" : ".") + part();
    return s;
  }
  std::string part() {
    switch (rng_.below(6)) {
      case 0:
        return "\"" + text() + "\"";
      case 1:
        return "'" + text() + "'";
      case 2:
        return letters("abc019-_", 6);
      default:
        return letters("abc", 1);  // so that keys meet
    }
  }
  std::string value(int depth) {
    constexpr const char* known[] = {"true",
                                     "false",
                                     "inf",
                                     "-nan",
                                     "0x1F",
                                     "0b101",
                                     "0o17",
                                     "1_000",
                                     "1e5",
                                     "-0.5E-3",
                                     "0x1.8p3",
                                     "1979-05-27",
                                     "07:32:00.999",
                                     "1979-05-27 07:32:00",
                                     "1979-05-27T07:32:00Z",
                                     "1979-05-27T07:32:00+25:61",
                                     "99999999999999999999",
                                     "1e999999",
                                     "-",
                                     "+0",
                                     "00"};
    switch (rng_.below(depth < 3 ? 8 : 5)) {
      case 0:
        return one_of(known);
      case 1:
        return letters("0123456789+-_.eExob:TZ", 24);
      case 2:
        return letters("truefalsinfTFIN+-", 6);
      case 3:
        return "\"" + text() + "\"";
      case 4:
        return rng_.below(2) == 0 ? "'" + text() + "'" : "\"\"\"" + text() + "\n" + text() + "\"\"\"";
      case 5:
      case 6: {
        std::string s;
        for (uint64_t n = rng_.below(4); n > 0; --n) s += (s.empty() ? "" : rng_.below(4) == 0 ? ",\n" : ", ") + value(depth + 1);
        return "[" + s + "]";
      }
      default: {
        std::string s;
        for (uint64_t n = rng_.below(3); n > 0; --n) s += (s.empty() ? "" : ", ") + key() + " = " + value(depth + 1);
        return "{" + s + "}";
      }
    }
  }
  std::string text() {
    constexpr const char* parts[] = {"a",    "b ",      ".",           "#",   "=",       "\\n",      "\\\\",
                                     "\\\"", "\\u00e9", "\\U0001F600", "\\x", "\\uD800", "\xc3\xa9", "\xe2\x82\xac",
                                     "\t",   "]",       "\\u123",      "[",   "{",       ""};
    std::string s;
    for (uint64_t n = rng_.below(4); n > 0; --n) s += one_of(parts);
    return s;
  }

  void change(std::string& s) {
    const size_t at = rng_.below(s.size() + 1), length = std::min<size_t>(1 + rng_.below(16), s.size() - at);
    switch (rng_.below(6)) {
      case 0:
        s.insert(at, value(0));
        break;
      case 1:
        s.insert(at, 1, static_cast<char>(rng_.next()));
        break;
      case 2:
        s.erase(at, length);
        break;
      case 3:
        s.insert(at, s.substr(rng_.below(s.size() + 1), length));
        break;
      case 4:
        if (at < s.size()) s[at] = static_cast<char>(s[at] ^ (1 << rng_.below(8)));
        break;
      default:
        s.insert(at, repeated(letters("a.[]{}'\"=", 2), static_cast<int>(rng_.below(40))));
    }
  }

  const std::string& recipes_;
  Rng& rng_;
};

}  // namespace

TEST_CASE("fuzz: recipes", "[toml][fuzz]") {
  std::string all;
  for (const ShippedRecipe& r : shipped_recipes()) all += r.toml;
  const test::FuzzRun r =
      test::fuzz(test::fuzz_rounds(20'000), "fuzz toml", [&](Rng& rng) { parse_toml(Texts(all, rng).next(), "my.toml"); });
  CHECK(r.read > r.inputs / 20);  // what was changed without harm reached toml++
}
