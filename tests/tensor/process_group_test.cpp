#include "tensor/process_group.h"

#include "tests/catch.h"
#include "tests/process_threads.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

using Strings = std::vector<std::string>;

TEST_CASE("the lone process: sums are what is there, and it agrees with itself", "[process_group]") {
  ProcessGroup& lone = process_group();
  CHECK(lone.rank() == 0);
  CHECK(lone.size() == 1);
  const Tensor t = Tensor::of<float>({2}, {1.5F, -2});
  lone.sum(t);
  CHECK(t.at(1) == -2);
  for (const bool yes : {true, false}) {
    CHECK(lone.all_agree(yes) == yes);
    CHECK(any_of(lone, yes) == yes);
    CHECK(of_first(lone, yes) == yes);
  }
  CHECK(of_first(lone, 2.5) == 2.5);
  CHECK(sum_of(lone, 2.5) == 2.5);
}

TEST_CASE("members of a group see sums over all, agree, and hear what the first says", "[process_group]") {
  std::vector<std::vector<double>> seen(3);
  const Strings errors = run_members(3, [&](ProcessGroup& group) {
    ProcessGroup& mine = process_group();
    const int r = mine.rank();
    std::vector<double>& found = seen[static_cast<size_t>(group.rank())];
    for (const DType type : {DType::f32, DType::f64, DType::i32, DType::i64}) {
      const Tensor t = Tensor::full({2, 2}, 10 * r + 1, type);
      mine.sum(t.slice(1, 2));
      found.push_back(t.at(0));  // as it was
      found.push_back(t.at(3));  // 1 + 11 + 21
    }
    found.insert(found.end(),
                 {sum_of(mine, r), of_first(mine, r + 7.5), double(of_first(mine, r == 0)), double(of_first(mine, r > 0)),
                  double(any_of(mine, r == 1)), double(any_of(mine, false)), double(mine.all_agree(r < 2)), double(mine.all_agree(true))});
  });
  CHECK(errors == Strings(3));
  for (size_t r = 0; r < 3; ++r) {
    INFO("member " << r);
    const double own = 10.0 * static_cast<double>(r) + 1;
    CHECK(seen[r] == std::vector<double>{own, 33, own, 33, own, 33, own, 33, 3, 7.5, 1, 0, 1, 0, 0, 1});
  }
  CHECK(process_group().size() == 1);
}

TEST_CASE("no member waits for one that has left", "[process_group]") {
  const Strings errors = run_members(2, [](ProcessGroup& group) {
    group.all_agree(true);
    if (group.rank() == 1) fail("out of paper");
    for (;;) group.all_agree(true);
  });
  CHECK_THAT(errors[0], Contains("a member has left"));
  CHECK(errors[1] == "out of paper");
}
