#include "train/toml_check.h"

#include <chrono>
#include <cstdlib>

#include "base/check.h"
#include "tensor/rng.h"
#include "tests/catch.h"
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
  refused("x = 1.0.\n[", "my.toml:2:2: expected a key, got the end of the text");
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
  refused("# a\x01 b", "my.toml:1:4: expected a comment without control characters, got '?'");
  refused("x = " + repeated("1", 65), "my.toml:1:5: expected a value of at most 64 characters, got 65");
  refused(repeated("x", 300'000), "my.toml: expected at most 262144 bytes of settings, got 300000");
  refused("x = 1\nx = 2", "my.toml:2:");  // what toml++ itself says has both numbers too
}

TEST_CASE("TOML: whatever TOML allows gets through", "[toml]") {
  const std::string text =
      "\xef\xbb\xbf# a comment with é\r\n"
      "top = 1_000\r\n"
      "  \"quoted key\" = 'a # no comment'\t# one\n"
      "a . b.'c' = [ 1, # first\n  2,\n]\n"
      "when = 1979-05-27 07:32:00\n"
      "zone = 1979-05-27T00:32:00.999-07:00 # and more\n"
      "[ deep . er ]\n"
      "hex = 0xdead_beef\nf = -1.5e-3\ni = inf\nn = -nan\nt = true\n"
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
        "top quoted key a.b.c when zone deep.er.hex deep.er.f deep.er.i deep.er.n deep.er.t deep.er.s deep.er.m deep.er.l deep.er.e "
        "deep.er.ee deep.er.inline.x deep.er.inline.y.z list ");
  for (const ShippedRecipe& r : shipped_recipes()) CHECK_NOTHROW(check_toml(r.toml, r.name));
  CHECK(parse_toml("", "my.toml").empty());
  CHECK(parse_toml("\n\r\n  \t# end", "my.toml").empty());
}

namespace {

// A recipe, or a few of the pieces that TOML is made of, with one to six changes.
std::string mutated(const std::string& recipe, Rng& rng) {
  constexpr const char* pieces[] = {"[",          "]",        "[[",           "]]",  "{",    "}",     "=",  ".",     ",",
                                    "\"",         "'",        "\"\"\"",       "'''", "\\",   "\\u00", "#",  "\n",    "\r\n",
                                    " ",          "a",        "a.b",          "_",   "-",    "+",     "0x", "0b1",   "0o7",
                                    "1e5",        "1_0",      "nan",          "inf", "true", "f",     "÷",  "é",     "\xff",
                                    "1979-05-27", "07:32:00", "1979-05-27 0", "T",   "Z",    ".5",    "1.", "0x1p4", "++1"};
  const auto piece = [&] { return std::string(pieces[rng.below(std::size(pieces))]); };
  std::string s;
  if (rng.below(2) == 0) {
    const size_t at = rng.below(recipe.size());
    s = recipe.substr(at, 1 + rng.below(300));
  } else {
    for (uint64_t n = rng.below(24); n > 0; --n) s += piece();
  }
  for (uint64_t n = 1 + rng.below(6); n > 0; --n) {
    const size_t at = rng.below(s.size() + 1), length = std::min<size_t>(1 + rng.below(16), s.size() - at);
    switch (rng.below(6)) {
      case 0:
        s.insert(at, piece());
        break;
      case 1:
        s.insert(at, 1, static_cast<char>(rng.next()));
        break;
      case 2:
        s.erase(at, length);
        break;
      case 3:
        s.insert(at, s.substr(rng.below(s.size() + 1), length));
        break;
      case 4:
        if (at < s.size()) s[at] = static_cast<char>(s[at] ^ (1 << rng.below(8)));
        break;
      default:
        s.insert(at, repeated(piece(), static_cast<int>(rng.below(40))));
    }
  }
  return s;
}

}  // namespace

TEST_CASE("fuzz: recipes", "[toml][fuzz]") {
  const char* times = std::getenv("MR_FUZZ");
  const int64_t n = 20'000 * (times != nullptr ? std::max(1, std::atoi(times)) : 1);
  std::string all;
  for (const ShippedRecipe& r : shipped_recipes()) all += r.toml;
  int64_t read = 0, foreign = 0;
  double slowest = 0;
  for (int64_t i = 0; i < n; ++i) {
    Rng rng(11, "fuzz toml", 0, static_cast<uint64_t>(i));
    const std::string text = mutated(all, rng);
    const auto begin = std::chrono::steady_clock::now();
    try {
      parse_toml(text, "my.toml");
      ++read;
    } catch (const Error&) {
    } catch (const std::exception&) {  // a check is missing
      ++foreign;
    }
    slowest = std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  CHECK(foreign == 0);
  CHECK(slowest < 1);
  CHECK(read > n / 50);  // what was changed without harm reached toml++
}
