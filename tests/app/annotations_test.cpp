// Annotation files as people have them, met by the program: what can be worked with is, what cannot is called by its name, and one set of
// weights has one AP, whichever way it is asked for.
#include <map>
#include <nlohmann/json.hpp>

#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::string tiny =
    " --set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16 --set "
    "train.precision=f32"
    " --set train.batch=1 --set train.iterations=4 --set data.kind=coco --set data.val_annotations= --set model.box.score=0.0"
    " --set model.box.detections=20";

// Four drawn scenes as files, whose annotations `change` spoils.
template <class Change> std::string drawn(const std::string& name, Change&& change) {
  const std::string path = folder() + "/" + name, file = path + "/instances_train.json";
  REQUIRE(mrcnn("dataset draw --images 4 --out " + path + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  json j = json::parse(read_text_file(file));
  change(j);
  write_text_file(file, j.dump());
  return path;
}

std::string train_on(const std::string& data, const std::string& out) {
  return "train scenes_small --out " + out + tiny + " --set data.root=" + data;
}

json figures(const std::string& arguments) {
  const Result r = mrcnn(arguments);
  INFO(arguments << " said: " << r.err);
  REQUIRE(r.status == 0);
  return json::parse(r.out);
}

}  // namespace

TEST_CASE("odd annotation files are trained on: what is left out is said, lint lists it", "[app]") {
  const std::string data = drawn("oddities", [](json& j) {
    json& a = j["annotations"];
    REQUIRE(a.size() >= 8);
    a[0]["bbox"][3] = 0;
    a[1]["segmentation"] = json::array();
    a[2]["segmentation"] = {{10, 10, 30, 10, 30, 30}, {3, 3, 9, 9}};
    a[3]["segmentation"] = {{3, 3, 9, 9}};
    a[4]["bbox"] = {200, 10, 20, 20};
    a[5]["bbox"] = {-20, -20, 40, 60};
    a[6]["bbox"][2] = -4;
  });
  const std::string out = folder() + "/oddities_run";
  const Result r = mrcnn(train_on(data, out));
  INFO(r.out << r.err);
  REQUIRE(r.status == 0);
  CHECK_THAT(r.out, Contains("5 of ") &&
                        Contains(" annotations, and parts of 1 masks, are faulty; training does without them, evaluation counts them") &&
                        Contains("bbox: height must be above 0, got 0; ") && Contains("mrcnn dataset lint lists them all"));
  const Result lint = mrcnn("dataset lint --annotations " + data + "/instances_train.json --images " + data + "/images");
  CHECK(lint.status == 0);
  for (const char* told : {"bbox: height must be above 0, got 0; training", "segmentation: has no polygon; training",
                           "polygon 1 must have at least three points, got 4 coordinates; masks are made",
                           "polygon 0 must have at least three points, got 4 coordinates; training", "bbox: lies outside its image",
                           "bbox: reaches outside its image", "bbox: width must be above 0, got -4"})
    CHECK_THAT(lint.out, Contains(told));
  check_error(train_on(data, folder() + "/oddities_stop") + " --set data.faulty=stop", "bbox: height must be above 0, got 0");
}

TEST_CASE("one set of weights has one AP: from eval, from predict and coco-eval, and with its classes given", "[app]") {
  // Two categories of one name, and one without an example, as exporters write them.
  const std::string data = drawn("same_ap", [](json& j) {
    for (size_t k = 0; k < 3; ++k) j["categories"][k]["name"] = "thing";
    j["categories"].push_back({{"id", 77}, {"name", "root"}});
  });
  const std::string out = folder() + "/same_ap_run", images = data + "/images", truth = folder() + "/same_ap.json";
  const Result trained = mrcnn(train_on(data, out));
  INFO(trained.out << trained.err);
  REQUIRE(trained.status == 0);
  CHECK_THAT(trained.out, Contains("classes without an example, which cannot be learnt: ") && Contains("root (id 77)"));
  // Every second thing that the model finds is true, but for a pixel: so that AP is neither 0 nor 1.
  const std::string weights = out + "/last.safetensors", found = folder() + "/same_ap_found";
  REQUIRE(
      mrcnn("predict " + weights + " " + images + " --score 0 --no-pictures --annotations " + data + "/instances_train.json --out " + found)
          .status == 0);
  const json masks = json::parse(read_text_file(found + "/results.json")),
             boxes = json::parse(read_text_file(found + "/results_bbox.json"));
  json j = json::parse(read_text_file(data + "/instances_train.json"));
  j["annotations"] = json::array();
  for (size_t k = 0; k < masks.size(); k += 2) {
    json box = boxes[k]["bbox"];
    box[0] = box[0].get<double>() - 1;
    j["annotations"].push_back({{"id", k + 1},
                                {"image_id", masks[k]["image_id"]},
                                {"category_id", masks[k]["category_id"]},
                                {"bbox", box},
                                {"area", box[2].get<double>() * box[3].get<double>()},
                                {"iscrowd", 0},
                                {"segmentation", masks[k]["segmentation"]}});
  }
  j["annotations"][0]["bbox"][2] = 0;  // counts and cannot be found, as in cocoapi
  write_text_file(truth, j.dump());

  const std::string eval = "eval " + weights + " --json --annotations " + truth + " --images " + images;
  const json e = figures(eval);
  CHECK(e["bbox"]["AP"] > 0.01);
  CHECK(e["bbox"]["AP"] < 0.99);
  CHECK(e["segm"]["AP"] > 0.01);
  REQUIRE(mrcnn("predict " + weights + " " + images + " --score 0 --no-pictures --annotations " + truth + " --out " + found + "2").status ==
          0);
  CHECK(figures("coco-eval " + truth + " " + found + "2/results_bbox.json --type bbox --json") == e["bbox"]);
  CHECK(figures("coco-eval " + truth + " " + found + "2/results.json --type segm --json") == e["segm"]);

  // Without --annotations pictures are numbered 1, 2, 3, …: ids that mean other pictures, or none.
  REQUIRE(mrcnn("predict " + weights + " " + images + " --score 0 --no-pictures --out " + found + "3").status == 0);
  for (const bool turned : {true, false}) {  // the ids of the next picture, or 1001, 1002, …
    json other = j;
    std::map<int64_t, int64_t> new_ids;
    for (json& image : other["images"]) {
      const auto k = static_cast<int64_t>(new_ids.size());
      image["id"] = new_ids[image["id"].get<int64_t>()] = turned ? (k + 1) % 4 + 1 : k + 1001;
    }
    for (json& annotation : other["annotations"]) annotation["image_id"] = new_ids.at(annotation["image_id"].get<int64_t>());
    write_text_file(truth + ".other.json", other.dump());
    const Result r = mrcnn("coco-eval " + truth + ".other.json " + found + "3/results.json --type segm");
    INFO(r.err);
    CHECK(r.status == (turned ? 0 : 1));
    CHECK_THAT(r.err, Contains(turned ? "the figures compare different pictures" : "a result names image 1, which ") &&
                          Contains("--annotations " + truth + ".other.json"));
  }

  // The same training with its classes named, and the same weights told them again.
  std::string names, ids;
  for (const json& c : j["categories"]) {
    names += (names.empty() ? "" : ",") + c["name"].dump();
    ids += (ids.empty() ? "" : ",") + c["id"].dump();
  }
  const std::string given = " --set 'data.classes=[" + names + "]' --set 'data.category_ids=[" + ids + "]'";
  CHECK(figures(eval + given) == e);
  REQUIRE(mrcnn(train_on(data, out + "2") + given).status == 0);
  CHECK(figures("eval " + out + "2/last.safetensors --json --annotations " + truth + " --images " + images) == e);
  check_error(train_on(data, out + "3") + " --set 'data.classes=[\"thing\"]'", "data.classes: thing is the name of the categories ");
}

TEST_CASE("annotations that number the classes otherwise: eval, and predict with coco-eval, match them by name alike", "[app]") {
  const std::string data = drawn("renumbered", [](json&) {});
  const std::string out = folder() + "/renumbered_run", images = data + "/images", truth = folder() + "/renumbered.json",
                    found = folder() + "/renumbered_found";
  REQUIRE(mrcnn(train_on(data, out)).status == 0);
  const std::string weights = out + "/last.safetensors", file = data + "/instances_train.json";
  REQUIRE(mrcnn("predict " + weights + " " + images + " --score 0 --no-pictures --annotations " + file + " --out " + found).status == 0);
  const json boxes = json::parse(read_text_file(found + "/results_bbox.json"));
  json j = json::parse(read_text_file(file));
  // Each class gets the id of another, and one is called otherwise.
  std::map<int64_t, int64_t> ids;
  for (size_t k = 0; k < j["categories"].size(); ++k)
    ids[j["categories"][k]["id"]] = j["categories"][(k + 1) % j["categories"].size()]["id"];
  for (json& c : j["categories"]) c["id"] = ids.at(c["id"]);
  j["categories"][0]["name"] = "something else";
  j["annotations"] = json::array();
  for (size_t k = 0; k < boxes.size(); k += 2)
    j["annotations"].push_back({{"id", k + 1},
                                {"image_id", boxes[k]["image_id"]},
                                {"category_id", ids.at(boxes[k]["category_id"])},
                                {"bbox", boxes[k]["bbox"]},
                                {"area", 900},
                                {"iscrowd", 0},
                                {"segmentation", {{1, 1, 9, 1, 9, 9}}}});
  write_text_file(truth, j.dump());
  const json e = figures("eval " + weights + " --type bbox --json --annotations " + truth + " --images " + images);
  CHECK(e["bbox"]["AP"] > 0.01);
  const Result again =
      mrcnn("predict " + weights + " " + images + " --score 0 --no-pictures --annotations " + truth + " --out " + found + "2");
  INFO(again.err);
  REQUIRE(again.status == 0);
  CHECK(figures("coco-eval " + truth + " " + found + "2/results_bbox.json --type bbox --json") == e["bbox"]);
}

TEST_CASE("a set without an object to learn from is an error at the start", "[app]") {
  const std::string crowds = drawn("crowds", [](json& j) {
    for (json& a : j["annotations"]) a["iscrowd"] = 1;
  });
  check_error(train_on(crowds, folder() + "/crowds_run"), "data.train_annotations: holds no object to learn from: all of its ");
  const std::string none = drawn("unlabelled", [](json& j) { j["annotations"] = json::array(); });
  check_error(train_on(none, folder() + "/unlabelled_run"),
              "data.train_annotations: holds no object to learn from: there is no annotation");
  check_error(
      "recipe new --annotations " + none + "/instances_train.json --images " + none + "/images --out " + folder() + "/unlabelled.toml",
      "holds no object to learn from");
}

TEST_CASE("sizes that are not the images' are told at the start, and can be skipped", "[app]") {
  const std::string data = drawn("sizes", [](json& j) { std::swap(j["images"][1]["width"], j["images"][1]["height"]); });
  const json j = json::parse(read_text_file(data + "/instances_train.json"));
  const std::string name = j["images"][1]["file_name"];
  // Their masks are runs of the image's size, which says so first; as boxes only the pictures can tell.
  const std::string train = train_on(data, folder() + "/sizes_run") + " --set model.mask.enabled=false";
  check_error(train, "data.train_images: 1 of 4 image files cannot be used: image '" + data + "/images/" + name +
                         "': height and width are 64x96, the annotations state 96x64: the annotations have height and width exchanged");
  const Result skipping = mrcnn(train + " --set data.corrupt_images=skip");
  INFO(skipping.out << skipping.err);
  CHECK(skipping.status == 0);
  CHECK_THAT(skipping.out, Contains("they are left out (data.corrupt_images = \"skip\")"));
}

TEST_CASE("files and folders that are no COCO annotations are called by their names", "[app]") {
  const std::string data = drawn("named", [](json& j) {
    for (json& im : j["images"]) im["file_name"] = "images/" + im["file_name"].get<std::string>();
  });
  check_error(train_on(data, folder() + "/named_run"), "file_name holds the folder already; name the folder above it, " + data);
  check_error(train_on(data, folder() + "/named_run") + " --set data.train_annotations=images", "is a folder");
  check_error("recipe new --annotations " + data + "/images --images " + data + " --out " + folder() + "/named.toml", "is a folder");
  const std::string results = folder() + "/named_results.json";
  write_text_file(results, R"([{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}])");
  check_error(train_on(data, folder() + "/named_run") + " --set data.train_annotations=" + results, "is a COCO results file");
  check_error("coco-eval " + results + " " + results + " --type bbox", "is a COCO results file");
  const std::string boxes = drawn("boxes_only", [](json& j) {
    for (json& a : j["annotations"]) a.erase("segmentation");
  });
  check_error(train_on(boxes, folder() + "/boxes_run"), "hold boxes only");
  const std::string train = train_on(boxes, folder() + "/boxes_run");  // sets a field of a mask head
  check_error(train + " --set model.mask.kind=none", "--set: model.mask.width: belongs to model.mask.kind = fcn");
  const Result former = mrcnn(train + " --set model.mask.enabled=false");
  CHECK(former.status == 0);
  CHECK_THAT(former.out, Contains("--set: model.mask.enabled is now model.mask.kind = \"none\" (read as that;"));
  const std::string make =
      "recipe new --annotations " + boxes + "/instances_train.json --images " + boxes + "/images --out " + folder() + "/boxes.toml";
  check_error(make, "hold boxes only");
  CHECK(mrcnn(make + " --no-masks").status == 0);
  CHECK_THAT(mrcnn("recipe show " + folder() + "/boxes.toml").out, Contains("[model.mask]\nkind = \"none\""));
}
