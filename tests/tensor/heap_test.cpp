#include "tensor/heap.h"

#include "tensor/rng.h"
#include "tests/catch.h"

using namespace mr;

namespace {
constexpr size_t MiB = size_t{1} << 20;
}

TEST_CASE("a heap hands out aligned blocks that do not overlap, and gets all of them back", "[allocator]") {
  Heap heap(64 * MiB);
  Rng rng(1, "heap");
  std::map<size_t, size_t> held;  // offset: bytes
  for (int i = 0; i < 5000; ++i) {
    if (held.empty() || rng.uniform() < 0.55) {
      const size_t bytes = rng.below(60000);
      const auto offset = heap.take(bytes);
      if (!offset) continue;
      REQUIRE(*offset % Heap::alignment == 0);
      REQUIRE(*offset + bytes <= heap.extent());
      const auto next = held.lower_bound(*offset);
      if (next != held.end()) REQUIRE(*offset + bytes <= next->first);
      if (next != held.begin()) REQUIRE(std::prev(next)->first + std::prev(next)->second <= *offset);
      REQUIRE(held.emplace(*offset, bytes).second);
    } else {
      const auto one = std::next(held.begin(), static_cast<int64_t>(rng.below(held.size())));
      CHECK(heap.give_back(one->first) >= one->second);
      held.erase(one);
    }
  }
  for (const auto& [offset, bytes] : held) heap.give_back(offset);
  const size_t extent = heap.extent();
  CHECK(heap.take(extent) == size_t{0});  // one free block again
  CHECK(heap.extent() == extent);
}

TEST_CASE("a heap takes the smallest free block that holds a request, the lowest of equals", "[allocator]") {
  Heap heap(64 * MiB);
  const size_t a = *heap.take(1024), wall_a = *heap.take(64), b = *heap.take(512), wall_b = *heap.take(64), c = *heap.take(512),
               wall_c = *heap.take(64);
  CHECK(wall_a == a + 1024);
  CHECK(wall_c == c + 512);
  heap.give_back(a);
  heap.give_back(b);
  heap.give_back(c);
  CHECK(heap.take(500) == b);
  CHECK(heap.take(512) == c);
  CHECK(heap.take(512) == a);
  CHECK(heap.take(512) == a + 512);
  heap.give_back(wall_b);
  CHECK(heap.take(1) == wall_b);
}

TEST_CASE("a heap's headroom is for requests that its holes do not fit", "[allocator]") {
  Heap heap(64 * MiB);
  CHECK(heap.take(3 * MiB) == size_t{0});
  heap.reserve(8 * MiB);
  const size_t extent = heap.extent();
  CHECK(extent >= 11 * MiB);
  CHECK(heap.take(8 * MiB) == 3 * MiB);
  CHECK(heap.extent() == extent);
  heap.reserve(100 * MiB);  // more than there is: left alone
  CHECK(heap.extent() == extent);
}

TEST_CASE("a heap grows at its end by what is missing, and is full at its capacity", "[allocator]") {
  Heap heap(8 * MiB);
  CHECK(heap.take(MiB) == size_t{0});
  CHECK(heap.extent() == 2 * MiB);
  CHECK(heap.take(3 * MiB) == MiB);  // begins in the free end
  CHECK(heap.extent() == 4 * MiB);
  CHECK(heap.growths() == 2);
  CHECK_FALSE(heap.take(5 * MiB));
  CHECK_FALSE(heap.take(SIZE_MAX));
  CHECK(heap.take(4 * MiB) == 4 * MiB);
  CHECK_FALSE(heap.take(0));
  heap.give_back(MiB);
  CHECK(heap.take(0) == MiB);  // a block of its own, though empty
}
