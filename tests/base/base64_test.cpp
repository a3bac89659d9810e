#include "base/base64.h"

#include <string>

#include "tests/catch.h"

using namespace mr;

TEST_CASE("base64: groups of four, filled at the end, read", "[text]") {
  const auto text = [](const char* code) {
    const auto bytes = base64_bytes(code);
    return bytes ? std::string(bytes->begin(), bytes->end()) : "none";
  };
  CHECK(text("") == "");
  CHECK(text("TWFu") == "Man");
  CHECK(text("TWE=") == "Ma");
  CHECK(text("TQ==") == "M");
  CHECK(text("TW\nFu TWFu") == "ManMan");
  CHECK(text("+/+/") == "\xfb\xff\xbf");
  for (const char* wrong : {"TWF", "T===", "====", "TQ=A", "TW-u", "TQ==TQ", "T"}) CHECK(text(wrong) == "none");
}

TEST_CASE("base64: groups of four, filled at the end, written", "[text]") {
  const auto code = [](const std::string& text) { return base64({reinterpret_cast<const uint8_t*>(text.data()), text.size()}); };
  CHECK(code("").empty());
  CHECK(code("Man") == "TWFu");
  CHECK(code("Ma") == "TWE=");
  CHECK(code("M") == "TQ==");
  CHECK(code("ManM") == "TWFuTQ==");
  CHECK(code("\xfb\xff\xbf") == "+/+/");
}
