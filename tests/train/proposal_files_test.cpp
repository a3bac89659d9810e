#include "train/proposal_files.h"

#include "models/weights/safetensors.h"
#include "tests/catch.h"
#include "tests/models/weights/make_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

// As pickle.dumps of protocol 2 writes an array of numpy: _reconstruct, then its state.
std::string array_of(const std::string& type, const std::vector<int32_t>& shape, const std::string& bytes, bool fortran = false) {
  const std::string dtype = "cnumpy\ndtype\n(" + text(type) + integer(0) + integer(1) + "tR(" + integer(3) + text("<") + "NNN" +
                            integer(-1) + integer(-1) + integer(0) + "tb";
  return "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + tuple({0}) + text("b") + "tR(" + integer(1) + tuple(shape) + dtype +
         (fortran ? "\x88" : "\x89") + "T" + le(static_cast<uint32_t>(bytes.size())) + bytes + "tb";
}
std::string list_of(const std::vector<std::string>& items) {
  std::string s = "](";
  for (const std::string& item : items) s += item;
  return s + "e";
}
std::string dict_of_members(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string s = "\x80\x02}(";
  for (const auto& [key, value] : members) s += text(key) + value;
  return s + "u.";
}

bool same(const ProposalSet& a, const ProposalSet& b) { return a.hash() == b.hash() && a.image_ids() == b.image_ids(); }

}  // namespace

TEST_CASE("our file of proposals gives back what was written", "[proposals]") {
  const Folder folder;
  ProposalSet set("made");
  set.add(42, {{{0.5f, 1, 10, 12.25f}, -1.5f}, {{3, 4, 5, 6}, 0.25f}}, PixelSize{20, 30});
  set.add(-7, {});
  set.add(900, {{{1, 1, 2, 2}, 3}});
  write_proposals(folder / "p.safetensors", set, {{"from", "rpn/best.safetensors"}});
  const ProposalSet back = read_proposals(folder / "p.safetensors");
  CHECK(same(set, back));
  CHECK(back.of(42)[0].box == Box{3, 4, 5, 6});
  CHECK(back.size_of(42) == PixelSize{20, 30});
  CHECK_FALSE(back.size_of(900).has_value());
  const WeightFile file = read_safetensors(folder / "p.safetensors");
  CHECK(file.metadata.at("from") == "rpn/best.safetensors");
  CHECK(file.metadata.at("hash") == set.hash());
}

TEST_CASE("COCO results are read as proposals: boxes and scores, the category aside", "[proposals]") {
  const Folder folder;
  const ProposalSet set = read_proposals(folder.write("r.json", R"([
    {"image_id": 3, "category_id": 9, "bbox": [10, 20, 30, 40.5], "score": 0.5},
    {"image_id": 5, "bbox": [0, 0, 1, 1], "score": 0.125, "segmentation": {"size": [1, 1], "counts": "01"}},
    {"image_id": 3, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.75}])"));
  REQUIRE(set.of(3).size() == 2);
  CHECK(set.of(3)[0] == ProposedBox{{1, 2, 4, 6}, 0.75f});
  CHECK(set.of(3)[1] == ProposedBox{{10, 20, 40, 60.5f}, 0.5f});
  CHECK(set.of(5).size() == 1);
}

TEST_CASE("Detectron's pickled boxes are inclusive, detectron2's say what they are", "[proposals]") {
  const Folder folder;
  const std::string boxes = array_of("f4", {2, 4}, floats({1, 2, 3, 5, 0, 0, 9, 9})), scores = array_of("f4", {2}, floats({0.25f, 0.5f}));
  const std::string ids = list_of({integer(42)});
  const auto read = [&](const std::vector<std::pair<std::string, std::string>>& members) {
    return read_proposals(folder.write("p.pkl", dict_of_members(members)));
  };
  const ProposalSet detectron =
      read({{"boxes", list_of({boxes})}, {"scores", list_of({scores})}, {"ids", ids}, {"cfg", text("NUM_GPUS: 8")}});
  REQUIRE(detectron.of(42).size() == 2);
  CHECK(detectron.of(42)[0] == ProposedBox{{0, 0, 10, 10}, 0.5f});
  CHECK(detectron.of(42)[1] == ProposedBox{{1, 2, 4, 6}, 0.25f});
  CHECK(same(detectron, read({{"indexes", ids}, {"scores", list_of({scores})}, {"boxes", list_of({boxes})}})));

  const ProposalSet corners =
      read({{"ids", ids}, {"boxes", list_of({boxes})}, {"objectness_logits", list_of({scores})}, {"bbox_mode", integer(0)}});
  CHECK(corners.of(42)[1].box == Box{1, 2, 3, 5});
  const ProposalSet sides =
      read({{"ids", ids}, {"boxes", list_of({boxes})}, {"objectness_logits", list_of({scores})}, {"bbox_mode", integer(1)}});
  CHECK(sides.of(42)[1].box == Box{1, 2, 4, 7});

  // The same as f64 in Fortran's order.
  std::string doubles;
  for (const double v : {1.0, 0.0, 2.0, 0.0, 3.0, 9.0, 5.0, 9.0}) doubles += le(v);
  CHECK(same(detectron, read({{"boxes", list_of({array_of("f8", {2, 4}, doubles, true)})}, {"scores", list_of({scores})}, {"ids", ids}})));
}

TEST_CASE("files of proposals with a fault are errors that name file, record and field", "[proposals]") {
  const Folder folder;
  const auto fault = [&](const std::string& name, const std::string& contents) {
    try {
      read_proposals(folder.write(name, contents));
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK_THAT(fault("a.json", ""), Contains("a.json: is empty; expected a file of proposals"));
  CHECK_THAT(fault("a.txt", "boxes"), Contains("a.txt: expected proposals: a file of mrcnn proposals (safetensors), COCO results (JSON)"));
  CHECK_THAT(fault("a.json", R"([{"image_id": 1, "bbox": [1, 2, 3], "score": 1}])"),
             Contains("a.json") && Contains("results[0] (image 1): bbox: expected four"));
  CHECK_THAT(fault("a.json", R"([{"image_id": 1, "bbox": [1, 2, 3, 4]}])"), Contains("results[0] (image 1): score: is missing"));
  CHECK_THAT(fault("a.json", R"([{"bbox": [1, 2, 3, 4], "score": 1}])"), Contains("results[0]: image_id: is missing"));
  CHECK_THAT(fault("a.json", R"([{"image_id": 1.5, "bbox": [1, 2, 3, 4], "score": 1}])"),
             Contains("image_id: expected a whole number, got 1.5"));
  CHECK_THAT(fault("a.json", R"([{"image_id": 1, "bbox": [1, 2, 0, 4], "score": 1}])"),
             Contains("image 1: proposal 0: expected a box with an extent"));
  CHECK_THAT(fault("a.json", R"([{"image_id": 1, "bbox": [1, 2, 3, 4], "score": NaN}])"), Contains("expected finite numbers"));

  const std::string boxes = array_of("f4", {1, 4}, floats({1, 2, 3, 5})), scores = array_of("f4", {1}, floats({0.25f}));
  const std::string ids = list_of({integer(42)});
  const auto pickle = [&](const std::string& i, const std::string& b, const std::string& s) {
    return fault("a.pkl", dict_of_members({{"ids", i}, {"boxes", list_of({b})}, {"scores", list_of({s})}}));
  };
  CHECK(pickle(ids, boxes, scores).empty());
  CHECK_THAT(pickle(list_of({integer(1), integer(2)}), boxes, scores),
             Contains("expected ids, boxes and scores of as many images, got 2, 1 and 1"));
  CHECK_THAT(pickle(list_of({text("a")}), boxes, scores), Contains("a.pkl: ids[0]: expected a whole number, got"));
  CHECK_THAT(pickle(ids, array_of("f4", {1, 5}, floats({1, 2, 3, 5, 6})), scores),
             Contains("boxes[0] (image 42): expected an array [n,4] of f32 or f64, got [1, 5]"));
  CHECK_THAT(pickle(ids, array_of("i4", {1, 4}, le<int32_t>(1) + le<int32_t>(1) + le<int32_t>(2) + le<int32_t>(2)), scores),
             Contains("of f32 or f64"));
  CHECK_THAT(pickle(ids, boxes, array_of("f4", {2}, floats({1, 2}))), Contains("expected one for each of 2 scores, got 1"));
  CHECK_THAT(pickle(ids, integer(3), scores), Contains("boxes[0] (image 42): expected an array of numpy"));
  CHECK_THAT(fault("a.pkl", dict_of_members({{"boxes", list_of({boxes})}, {"scores", list_of({scores})}})),
             Contains("ids: expected a list, got none"));
  CHECK_THAT(fault("a.pkl",
                   dict_of_members({{"ids", ids}, {"boxes", list_of({boxes})}, {"scores", list_of({scores})}, {"bbox_mode", integer(4)}})),
             Contains("bbox_mode: expected 0 (x1, y1, x2, y2) or 1 (x, y, width, height)"));

  const auto tensor_of = [](const std::string& name, FileType type, const FileShape& shape) {
    return NamedTensor{name, type, shape, [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{}); }};
  };
  const auto own = [&](const std::string& format, const std::vector<NamedTensor>& tensors) {
    write_safetensors(folder / "a.safetensors", {{"format", format}}, tensors);
    try {
      read_proposals(folder / "a.safetensors");
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK_THAT(own("pt", {}), Contains("a.safetensors: metadata format: expected \"mrcnn.proposals\", got \"pt\""));
  CHECK_THAT(own("mrcnn.proposals", {}), Contains("lacks the tensor image_id"));
  const NamedTensor image = tensor_of("image_id", FileType::i64, {1}), count = tensor_of("count", FileType::i64, {1}),
                    size = tensor_of("size", FileType::i32, {1, 2}), score = tensor_of("scores", FileType::f32, {2}),
                    box = tensor_of("boxes", FileType::f32, {2, 4});
  CHECK_THAT(own("mrcnn.proposals", {image, tensor_of("count", FileType::i64, {2}), size, score, box}),
             Contains("count: expected I64 [1]"));
  CHECK_THAT(own("mrcnn.proposals", {image, count, size, score, tensor_of("boxes", FileType::f32, {3, 4})}),
             Contains("boxes: expected F32 [2, 4]"));
  CHECK_THAT(own("mrcnn.proposals", {image, count, size, score, box}), Contains("boxes: expected 0, as `count` says, got 2"));
}
