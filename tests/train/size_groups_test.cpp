#include "train/size_groups.h"

#include "base/check.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Preprocess native() {
  Preprocess p;
  p.min_side = 0;
  p.size_divisor = 32;
  return p;
}

std::vector<int64_t> indices(const std::vector<IndexedImage>& batch) {
  std::vector<int64_t> all;
  for (const IndexedImage& i : batch) all.push_back(i.index);
  return all;
}

using Indices = std::vector<int64_t>;

}  // namespace

TEST_CASE("images of one padded size go together, in their order, and the rest at the end", "[size_groups]") {
  SizeGroups groups(2, native());
  CHECK(groups.add(0, Image(33, 64)).empty());
  CHECK(groups.add(1, Image(32, 64)).empty());
  CHECK(indices(groups.add(2, Image(64, 50))) == Indices{0, 2});  // padded to 64×64 both
  CHECK(groups.add(3, Image(40, 40)).empty());
  CHECK(indices(groups.add(4, Image(20, 33))) == Indices{1, 4});  // 32×64
  CHECK(groups.add(5, Image(10, 10)).empty());
  CHECK(indices(groups.rest()) == Indices{5});
  CHECK(indices(groups.rest()) == Indices{3});
  CHECK(groups.rest().empty());
  SizeGroups one(1, native());
  for (const int64_t i : {0, 1, 2}) CHECK(indices(one.add(i, Image(10, 10))) == Indices{i});
  CHECK_THROWS_WITH(SizeGroups(0, native()), Contains("at least one image, got 0"));
}

TEST_CASE("images of ever new sizes do not pile up: four batches wait, and the largest group goes on", "[size_groups]") {
  SizeGroups groups(3, native());
  int64_t next = 0;
  const auto add = [&](int side) { return indices(groups.add(next++, Image(32 * side, 32))); };
  CHECK(add(1).empty());
  for (int side = 2; side <= 10; ++side) CHECK(add(side).empty());
  CHECK(add(7).empty());
  CHECK(add(11) == Indices{6, 10});  // twelve wait; side 7 has two
  CHECK(add(12).empty());
  CHECK(add(13) == Indices{0});  // of equals the smallest
  size_t left = 0;
  while (const size_t n = groups.rest().size()) left += n;
  CHECK(left == 11);
}

TEST_CASE("the size that counts is the one at which prediction looks at an image", "[size_groups]") {
  Preprocess p;
  p.min_side = 64;
  p.max_side = 128;
  SizeGroups groups(2, p);
  CHECK(groups.add(0, Image(100, 100)).empty());
  CHECK(indices(groups.add(1, Image(640, 640))) == Indices{0, 1});
}
