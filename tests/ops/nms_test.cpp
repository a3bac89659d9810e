#include "ops/boxes/nms.h"

#include <limits>
#include <set>

#include "ops/boxes/topk.h"
#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;
using Indices = std::vector<int32_t>;

namespace {

// Of one image's boxes those kept, best first.
Indices kept_of(const Tensor& boxes, const Tensor& scores, double threshold, int64_t most = 1000) {
  return places_of_image(nms(candidates_of(boxes, scores), threshold, most));
}
Indices best_of(const Tensor& scores, int64_t k) { return places_of_image(top_k(scores.reshape({1, scores.numel()}), k)); }

// Case k of the golden file.
std::pair<Tensor, Tensor> golden_boxes(uint64_t k, int64_t n) {
  const Tensor boxes = Tensor::empty({n, 4}), scores = Tensor::empty({n});
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t u = golden_hash(k, static_cast<uint64_t>(i));
    const auto part = [&](int shift, uint64_t m) { return static_cast<float>((u >> shift) % m); };
    float* b = boxes.data<float>() + i * 4;
    b[0] = part(0, 16);
    b[1] = part(8, 16);
    b[2] = b[0] + 1 + part(16, 16);
    b[3] = b[1] + 1 + part(24, 16);
    scores.data<float>()[i] = part(32, 32) / 32;
  }
  return {boxes, scores};
}

}  // namespace

TEST_CASE("nms: keeps the best of an overlapping pair, and one that overlaps only what is gone", "[nms]") {
  // A row of boxes, each overlapping its neighbours by ½: the best removes the next, which no longer removes the third.
  const Tensor boxes = Tensor::of<float>({3, 4}, {0, 0, 6, 1, 2, 0, 8, 1, 4, 0, 10, 1}),
               scores = Tensor::of<float>({3}, {0.7f, 0.8f, 0.9f});
  CHECK(kept_of(boxes, scores, 0.49) == Indices{2, 0});
  CHECK(kept_of(boxes, scores, 0.5) == Indices{2, 1, 0});  // ½ is not greater than ½
  CHECK(kept_of(boxes, scores, 0.49, 1) == Indices{2});
  CHECK(kept_of(boxes, scores, 0.49, 0).empty());
}

TEST_CASE("nms: equal scores in the order of their indices", "[nms]") {
  const Tensor boxes = Tensor::of<float>({3, 4}, {0, 0, 1, 1, 0, 0, 1, 1, 5, 5, 6, 6}), scores = Tensor::full({3}, 0.5);
  CHECK(kept_of(boxes, scores, 0.5) == Indices{0, 2});
}

TEST_CASE("nms: as torchvision's on random cases", "[nms]") {
  const Tensor params = box_golden()["nms.params"];
  const uint8_t* kept = box_golden()["nms.kept"].data<uint8_t>();
  int wrong = 0;
  for (int64_t k = 0; k < params.size(0); ++k) {
    const uint8_t* p = params.data<uint8_t>() + k * 3;
    const auto [boxes, scores] = golden_boxes(static_cast<uint64_t>(k), p[0]);
    wrong += kept_of(boxes, scores, p[1] / 10.0) != Indices(kept, kept + p[2]);
    kept += p[2];
  }
  CHECK(params.size(0) >= 1000);
  CHECK(wrong == 0);
}

TEST_CASE("nms: no two kept boxes overlap by more, and every other is overlapped by a better one", "[nms]") {
  for (const int64_t n : {1, 15, 16, 17, 300}) {
    const auto [boxes, scores] = golden_boxes(77, n);
    const Indices kept = kept_of(boxes, scores, 0.4);
    const auto area = [&, b = boxes.data<float>()](int32_t i) { return (b[i * 4 + 2] - b[i * 4]) * (b[i * 4 + 3] - b[i * 4 + 1]); };
    const auto overlap = [&, b = boxes.data<float>()](int32_t i, int32_t j) {
      const float w = std::min(b[i * 4 + 2], b[j * 4 + 2]) - std::max(b[i * 4], b[j * 4]),
                  h = std::min(b[i * 4 + 3], b[j * 4 + 3]) - std::max(b[i * 4 + 1], b[j * 4 + 1]);
      return w > 0 && h > 0 ? w * h / (area(i) + area(j) - w * h) : 0;
    };
    const std::set<int32_t> in(kept.begin(), kept.end());
    for (int32_t i = 0; i < n; ++i) {
      bool covered = false;
      for (const int32_t k : kept)
        if (k != i) covered = covered || (overlap(i, k) > 0.4 && (scores.at(k) > scores.at(i) || (scores.at(k) == scores.at(i) && k < i)));
      CHECK(covered == !in.contains(i));
    }
  }
}

TEST_CASE("nms: each group by itself, best first over all", "[nms]") {
  const auto [boxes, scores] = golden_boxes(5, 200);
  std::vector<int32_t> group;
  for (uint64_t i = 0; i < 200; ++i) group.push_back(static_cast<int32_t>(mix64(i) % 4));
  const Candidates grouped = candidates_of(boxes, scores, group, 4);
  const auto boxes_of = [](Indices places) {
    for (int32_t& place : places) place /= 4;
    return places;
  };
  const Indices all = boxes_of(places_of_image(nms(grouped, 0.3, 200)));
  std::set<int32_t> expected;
  for (int32_t g = 0; g < 4; ++g) {
    Indices members;
    for (int32_t i = 0; i < 200; ++i)
      if (group[static_cast<size_t>(i)] == g) members.push_back(i);
    const Tensor b = Tensor::empty({static_cast<int64_t>(members.size()), 4}), s = Tensor::empty({static_cast<int64_t>(members.size())});
    for (size_t i = 0; i < members.size(); ++i) {
      for (size_t k = 0; k < 4; ++k) b.data<float>()[i * 4 + k] = boxes.data<float>()[static_cast<size_t>(members[i]) * 4 + k];
      s.data<float>()[i] = scores.data<float>()[members[i]];
    }
    for (const int32_t k : kept_of(b, s, 0.3)) expected.insert(members[static_cast<size_t>(k)]);
  }
  CHECK(std::set<int32_t>(all.begin(), all.end()) == expected);
  CHECK(all.size() == expected.size());
  for (size_t i = 1; i < all.size(); ++i) {
    CHECK(scores.at(all[i]) <= scores.at(all[i - 1]));
    if (scores.at(all[i]) == scores.at(all[i - 1])) CHECK(all[i] > all[i - 1]);
  }
  CHECK(boxes_of(places_of_image(nms(grouped, 0.3, 5))) == Indices(all.begin(), all.begin() + 5));

  // The same in groups one after the other.
  Candidates in_order = new_candidates(1, 4, 200);
  in_order.scores.fill_(-INFINITY);
  for (int64_t i = 0; i < 200; ++i) {
    const int64_t place = group[static_cast<size_t>(i)] * 200 + i;
    std::copy_n(boxes.data<float>() + 4 * i, 4, in_order.boxes.data<float>() + 4 * place);
    in_order.scores.data<float>()[place] = scores.data<float>()[i];
  }
  Indices of_order = places_of_image(nms(in_order, 0.3, 200));
  for (int32_t& place : of_order) place %= 200;
  CHECK(std::set<int32_t>(of_order.begin(), of_order.end()) == expected);
}

TEST_CASE("nms: each image by itself, places that are not filled take no part", "[nms]") {
  const auto [a, s] = golden_boxes(3, 40);
  const auto [b, t] = golden_boxes(4, 40);
  Candidates both = new_candidates(2, 1, 40);
  std::copy_n(a.data<float>(), 160, both.boxes.data<float>());
  std::copy_n(b.data<float>(), 160, both.boxes.data<float>() + 160);
  std::copy_n(s.data<float>(), 40, both.scores.data<float>());
  std::copy_n(t.data<float>(), 40, both.scores.data<float>() + 40);
  std::fill_n(both.scores.data<float>() + 60, 20, -INFINITY);
  const Chosen kept = nms(both, 0.4, 50);
  CHECK(places_of_image(kept, 0) == kept_of(a, s, 0.4));
  CHECK(places_of_image(kept, 1) == kept_of(b.slice(0, 20), t.slice(0, 20), 0.4));
  CHECK(kept.index.data<int32_t>()[49] == -1);
}

TEST_CASE("top_k: falling, ties by index, −0 equals 0, NaN last", "[nms]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor s = Tensor::of<float>({9}, {-1, 0, nan, -0.0f, 2, inf, 2, -inf, -nan});
  CHECK(best_of(s, 9) == Indices{5, 4, 6, 1, 3, 0, 7, 2, 8});
  CHECK(best_of(s, 3) == Indices{5, 4, 6});
  CHECK(best_of(s, 100).size() == 9);
  CHECK(best_of(s, 0).empty());
  CHECK(best_of(Tensor::empty({0}), 5).empty());

  const Tensor many = Tensor::empty({50000});
  for (int64_t i = 0; i < 50000; ++i) many.data<float>()[i] = static_cast<float>(golden_hash(1, static_cast<uint64_t>(i)) % 2000) - 1000;
  Indices sorted(50000);
  for (int32_t i = 0; i < 50000; ++i) sorted[static_cast<size_t>(i)] = i;
  std::stable_sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) { return many.data<float>()[a] > many.data<float>()[b]; });
  for (const int64_t k : {1, 999, 2000, 49999, 50000}) CHECK(best_of(many, k) == Indices(sorted.begin(), sorted.begin() + k));
}

TEST_CASE("nms: nothing, errors", "[nms]") {
  const Tensor boxes = Tensor::zeros({1, 2, 4}), scores = Tensor::zeros({1, 2});
  CHECK(kept_of(Tensor::empty({0, 4}), Tensor::empty({0}), 0.5).empty());
  CHECK(nms(new_candidates(3, 1, 0), 0.5, 2).count.at(2) == 0);
  CHECK_THROWS_WITH(nms({Tensor::zeros({1, 2, 5}), scores}, 0.5, 1), Contains("nms: boxes must be [1, 2, 4] f32, got [1, 2, 5] f32"));
  CHECK_THROWS_WITH(nms({boxes, Tensor::zeros({1, 3})}, 0.5, 1), Contains("nms: scores must be [1, 2] f32, got [1, 3] f32"));
  CHECK_THROWS_WITH(nms({boxes, scores}, std::numeric_limits<double>::quiet_NaN(), 1), Contains("the threshold must be a number"));
  CHECK_THROWS_WITH(nms({boxes, scores, 4}, 0.5, 1), Contains("nms: 4 groups of equal length cannot be made of 2 boxes"));
  CHECK_THROWS_WITH(nms({boxes, scores}, 0.5, -1), Contains("`most` must not be negative, got -1"));
  const int32_t group[] = {0, 2};
  const Tensor two = Tensor::zeros({2, 4}), both = Tensor::zeros({2});
  CHECK_THROWS_WITH(candidates_of(two, both, group, 2), Contains("candidates_of: the group of box 1 must be in [0, 2), got 2"));
  CHECK_THROWS_WITH(candidates_of(two, both, std::span(group, 1), 2), Contains("expected a group for each of 2 boxes, got 1"));
  CHECK_THROWS_WITH(top_k(scores, -1), Contains("top_k: k must not be negative, got -1"));
  CHECK_THROWS_WITH(top_k(boxes, 1), Contains("top_k: scores must be [N,n] f32, got [1, 2, 4]"));
}
