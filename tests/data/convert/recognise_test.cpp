#include "data/convert/recognise.h"

#include <array>

#include "data/coco/coco_file.h"
#include "data/coco/coco_lint.h"
#include "tests/catch.h"
#include "tests/data/convert/files.h"

using namespace mr;
using Catch::Matchers::Contains;
using mr::test::Folder;

namespace {

const std::string kLabelme = R"({"version": "5.4.1", "flags": {}, "shapes": [], "imagePath": "a.jpg", "imageData": null})";
const std::string kCoco =
    R"({"images": [{"id": 1, "width": 6, "height": 4, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}], "annotations": []})";

}  // namespace

TEST_CASE("recognise: formats that are converted, by what the file holds", "[convert]") {
  const Folder f;
  const auto kind = [&](const std::string& text) { return recognise_annotations(f.file("some.file", text)).kind; };
  CHECK(kind(kLabelme) == "labelme");
  CHECK(kind("\xef\xbb\xbf \n" + kLabelme) == "labelme");
  CHECK(kind(R"({"shapes": [{"points": [[1, 2]], "label": "a"}]})") == "labelme");
  CHECK(kind(kLabelme.substr(0, kLabelme.size() - 9)) == "labelme");  // cut off
  CHECK(kind(R"({"_via_settings": {}, "_via_img_metadata": {}, "_via_attributes": {}})") == "via");
  CHECK(kind(R"({"a.jpg12": {"filename": "a.jpg", "size": 12, "regions": [], "file_attributes": {}}})") == "via");
  CHECK(kind(R"({"a.jpg12": {"fileref": "", "size": 12, "filename": "a.jpg", "regions": {"0": {}}}})") == "via");
  CHECK(kind("0 0.1 0.1 0.5 0.1 0.5 0.5\n") == "yolo");
  CHECK(kind("\n 3 1e-3 0.1 0.5 0.25 \r\n") == "yolo");
  CHECK(kind("path: ../d\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n") == "yolo");
  CHECK(kind("<annotation><folder>VOC2012</folder></annotation>") == "voc");
  CHECK(kind("<?xml version=\"1.0\"?>\n<!-- made by > CVAT --><annotations><version>1.1</version></annotations>") == "cvat");
  CHECK(kind(kCoco).empty());
  CHECK(recognise_annotations(f / "some.file").what.empty());
  CHECK(recognise_annotations(f / "absent").what.empty());
}

TEST_CASE("recognise: what else people point at is named, with what goes on", "[convert]") {
  const Folder f;
  const auto said = [&](const std::string& text) { return foreign_annotations(f.file("some.file", text)); };
  CHECK_THAT(said(R"([{"image_id": 1, "category_id": 1, "score": 0.5, "bbox": [0, 0, 1, 1]}])"),
             Contains("is a COCO results file (detections), not a COCO annotation file: mrcnn coco-eval"));
  CHECK_THAT(said(R"([{"id": 1, "image_id": 1, "category_id": 1}])"), Contains("the list of annotations alone"));
  CHECK_THAT(said(R"([{"id": 1, "data": {"image": "a.jpg"}, "annotations": []}])"), Contains("Label Studio"));
  CHECK_THAT(said(R"([{"image": "a.jpg", "annotations": []}])"), Contains("CreateML"));
  CHECK_THAT(said(R"({"annotations": [{"image_id": 1, "segments_info": []}], "images": [], "categories": []})"), Contains("panoptic"));
  CHECK_THAT(said(R"({"annotations": [{"image_id": 1, "caption": "a cat"}], "images": []})"), Contains("captions"));
  CHECK_THAT(said(R"({"imgHeight": 4, "imgWidth": 6, "objects": []})"), Contains("Cityscapes"));
  CHECK_THAT(said(R"({"project": {}, "config": {}, "attribute": {}, "file": {}, "metadata": {}, "view": {}})"), Contains("VIA 3"));
  CHECK_THAT(said(R"({"type": "FeatureCollection", "features": []})"), Contains("GeoJSON"));
  CHECK_THAT(said(R"({"objects": [{"classTitle": "a"}], "size": {}, "tags": []})"), Contains("Supervisely"));
  CHECK_THAT(said(R"({"infos": {}, "categories": {}, "items": []})"), Contains("Datumaro"));
  CHECK_THAT(said("{\"data_row\": {\"id\": 1}}\n{\"data_row\": {\"id\": 2}}\n"), Contains("a Labelbox export"));
  CHECK_THAT(said("filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,6,4,cat,0,0,1,1\n"), Contains("a table (CSV)"));
  CHECK_THAT(said("\x89PNG\r\n\x1a\n..."), Contains("is a PNG picture, not a COCO annotation file: pictures of masks are read by"));
  CHECK_THAT(said("PK\x03\x04..."), Contains("is a zip archive, not a COCO annotation file: unpack it first"));
  CHECK_THAT(said("<!DOCTYPE html><html>"), Contains("a web page"));
  CHECK_THAT(said(" \n"), Contains("is an empty file"));
  CHECK_THAT(said(""), Contains("is an empty file"));
  CHECK_THAT(said(R"({"images": [{"id": 1, "width": 4, "coco_url": "http://x/1.jpg"}], "categories": [], "annotations": []})"),
             Contains("an LVIS file") && Contains("give each image a file_name"));
  CHECK_THAT(said(R"({"images": [{"id": 1, "file_name": "a"}], "categories": []})"), Contains("a list of images without annotations"));
  CHECK_THAT(said(R"([{"image_id": 1, "caption": "a cat"}])"), Contains("a results file of captions"));
  CHECK_THAT(said(R"([{"file_name": "a.jpg", "annotations": []}])"), Contains("detectron2's records"));
  CHECK_THAT(said(R"([{"name": "a.jpg", "labels": []}])"), Contains("BDD100K"));
  CHECK_THAT(said("\xfd"
                  "7zXZ"),
             Contains("an xz archive") && Contains("unpack it first"));
  CHECK_THAT(said("\xff\xfe{"), Contains("text in UTF-16"));
  CHECK_THAT(said("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), Contains("git lfs pull"));
  CHECK(said("some words").empty());
  CHECK(said("[]").empty());
}

TEST_CASE("recognise: folders", "[convert]") {
  const Folder f;
  const auto kind = [&](const std::string& name) { return recognise_annotations(f / name).kind; };
  f.file("labelme/a.json", kLabelme);
  f.file("labelme/a.jpg", "");
  CHECK(kind("labelme") == "labelme");
  CHECK_THAT(foreign_annotations(f / "labelme"),
             Contains("is a folder of such: a.json is a labelme file, not COCO: mrcnn dataset convert --from "
                      "labelme " +
                      f.path() + "/labelme --out FILE.json"));
  f.file("VOC2012/SegmentationObject/a.png", "");
  CHECK(kind("VOC2012") == "voc");
  f.file("yolo/data.yaml", "names: [a]");
  CHECK(kind("yolo") == "yolo");
  f.file("nuclei/1/images/1.png", "");
  f.file("nuclei/1/masks/a.png", "");
  CHECK(kind("nuclei") == "masks");
  for (const auto& [expected, image, mask] : std::vector<std::array<std::string, 3>>{
           {"instance-maps", "pairs/images/a.jpg", "pairs/masks/a.png"},
           {"masks", "several/images/a.jpg", "several/masks/a_1.png"},
           {"masks", "folders/images/a.jpg", "folders/masks/a/1.png"},
           {"instance-maps", "walkers/PNGImages/a.png", "walkers/PedMasks/a_mask.png"},
       }) {
    f.file(image, "");
    f.file(mask, "");
    CHECK(kind(image.substr(0, image.find('/'))) == expected);
  }
  f.file("labelled/images/a.jpg", "");
  f.file("labelled/labels/a.txt", "0 0.1 0.1 0.5 0.1 0.5 0.5\n");
  CHECK(kind("labelled") == "yolo");
  f.file("city/leftImg8bit/train/a/a_000000_000019_leftImg8bit.png", "");
  for (const std::string near : {"city", "city/leftImg8bit", "city/leftImg8bit/train"}) CHECK(kind(near) == "cityscapes");
  f.file("above/city/gtFine/train/a/a_000000_000019_gtFine_polygons.json", "");
  CHECK(kind("above") == "cityscapes");
  f.file("boxes/Annotations/a.XML", "<annotation/>");
  CHECK(kind("boxes") == "voc");
  f.file("coco/instances_train.json", kCoco);
  CHECK_THAT(foreign_annotations(f / "coco"),
             Contains("is a folder, not a COCO annotation file: its file instances_train.json looks like"));
}

TEST_CASE("recognise: reading COCO names the file of another kind and the command", "[convert]") {
  const Folder f;
  const std::string path = f.file("it's.json", kLabelme);
  const std::string command = "'" + f.path() + "/it'\\''s.json' --out FILE.json makes one of it";
  CHECK_THROWS_WITH(read_coco(path), Contains(path + ": is a labelme file, not COCO: mrcnn dataset convert --from labelme " + command));
  const LintReport report = lint_coco(path);  // which is told of the problems one by one
  REQUIRE(report.problems.size() == 1);
  CHECK_THAT(report.problems[0].text, Contains("is a labelme file, not COCO"));
  CHECK_THROWS_WITH(read_coco(f.path()), Contains(f.path() + ": is a folder"));
  CHECK_THROWS_WITH(read_coco(f.file("c.json", "{\"images\": [], \"categories\": [{\"id\": 1, \"name\": \"\"}], \"annotations\": []}")),
                    Contains("c.json: category 1: name: must not be empty"));
}
