#include "base/text.h"

#include "tests/catch.h"

using namespace mr;

TEST_CASE("things are counted in words", "[text]") {
  CHECK(counted(1, "image") == "1 image");
  CHECK(counted(0, "image") == "0 images");
  CHECK(counted(12, "image") == "12 images");
  CHECK(counted(1, "class") == "1 class");
  CHECK(counted(2, "class") == "2 classes");
}

TEST_CASE("a number in a sentence has three digits, and all before the point", "[text]") {
  CHECK(rounded(0.871375587) == "0.871");
  CHECK(rounded(7.736507) == "7.74");
  CHECK(rounded(0.000607605396) == "0.000608");
  CHECK(rounded(1.9e-6) == "1.9e-06");
  CHECK(rounded(0.02) == "0.02");
  CHECK(rounded(999.4) == "999");
  CHECK(rounded(999.7) == "1000");
  CHECK(rounded(1311) == "1311");
  CHECK(rounded(-123456.7) == "-123457");
  CHECK(rounded(0) == "0");
}
