#include "data/convert/recognise_json.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_reader.h"

namespace mr {
namespace {

using Names = std::set<std::string, std::less<>>;

struct JsonOutline {
  bool array = false;  // the outermost value is an array
  Names members;       // of the outermost object
  std::map<std::string, Names>
      inner;           // of each member: the members of the object in it, or of the first one in its list; "" for an array's
  bool whole = false;  // it is JSON to its end
  std::string type;    // of the member "type", where it is a string
};

// The members of an object, or of the first object of an array; the value is consumed.
Names members_within(JsonReader& json) {
  Names names;
  if (json.kind() == JsonReader::Kind::object) {
    json.object([&](std::string_view key) {
      names.emplace(key);
      json.skip();
    });
  } else if (json.kind() == JsonReader::Kind::array) {
    bool first = true;
    json.array([&] {
      if (std::exchange(first, false) && json.kind() == JsonReader::Kind::object)
        names = members_within(json);
      else
        json.skip();
    });
  } else {
    json.skip();
  }
  return names;
}

// What there is of it, where the text is cut off or not JSON.
JsonOutline outline(const std::string& text) {
  JsonOutline out;
  try {
    JsonReader json(text, "");
    out.array = json.kind() == JsonReader::Kind::array;
    if (out.array) {
      out.inner[""] = members_within(json);
    } else {
      json.object([&](std::string_view name) {
        const std::string key(name);
        out.members.insert(key);
        if (key == "type" && json.kind() == JsonReader::Kind::string)
          out.type = json.string();
        else
          out.inner[key] = members_within(json);
      });
    }
    json.end();
    out.whole = true;
  } catch (const Error&) {}
  return out;
}

RecognisedAnnotations recognise_list(const Names& item) {
  const auto has = [&](std::string_view name) { return item.contains(name); };
  if (has("image_id") && has("score")) return {"a COCO results file (detections)", "", "mrcnn coco-eval TRUTH RESULTS reads such"};
  if (has("image_id") && has("caption")) return {"a results file of captions", "", ""};
  if (has("file_name") && has("annotations"))
    return {"a list of detectron2's records", "", "detectron2.data.datasets.coco.convert_to_coco_json writes them as COCO"};
  if (has("name") && has("labels")) return {"a list of BDD100K's records", "", "write them as COCO"};
  if (has("image_id") && has("category_id"))
    return {"the list of annotations alone", "", "COCO's file is an object with images, annotations and categories"};
  if (has("image") && has("annotations")) return {"a CreateML file, which holds boxes alone", "", ""};
  if (has("data") && (has("annotations") || has("completions")))
    return {"a Label Studio export", "", "export the project there as COCO, or as YOLO with polygons"};
  if (has("External ID") || has("data_row")) return {"a Labelbox export", "", "export it as COCO"};
  return {};
}

}  // namespace

RecognisedAnnotations recognise_json(const std::string& text) {
  const JsonOutline o = outline(text);
  if (o.array) {
    const auto at = o.inner.find("");
    return at == o.inner.end() ? RecognisedAnnotations{} : recognise_list(at->second);
  }
  const auto has = [&](std::string_view name) { return o.members.contains(name); };
  const auto within = [&](const char* member, std::string_view name) {
    const auto at = o.inner.find(member);
    return at != o.inner.end() && at->second.contains(name);
  };
  if (has("shapes") && (has("imagePath") || has("imageData") || within("shapes", "points"))) return {"a labelme file", "labelme", ""};
  if (has("_via_img_metadata") || has("_via_settings")) return {"a VIA project", "via", ""};
  if (has("project") && has("metadata") && has("attribute"))
    return {"a VIA 3 project", "", "VIA 2 is read; the shapes may be exported from VIA 3 as COCO"};
  for (const auto& [member, names] : o.inner)
    if (names.contains("regions") && names.contains("filename")) return {"VIA annotations", "via", ""};
  if (within("annotations", "segments_info"))
    return {"COCO's panoptic file", "", "its instances are in instances_train2017.json and instances_val2017.json"};
  if (within("annotations", "caption"))
    return {"COCO's file of captions", "", "the masks are in instances_train2017.json and instances_val2017.json"};
  if (within("images", "coco_url") && !within("images", "file_name"))
    return {"an LVIS file", "", "give each image a file_name, the end of its coco_url, such as train2017/000000391895.jpg"};
  if (o.whole && has("images") && !has("annotations") && !has("shapes"))
    return {"a list of images without annotations, as of COCO's test images", "",
            "there is nothing in it to learn from, or to compare with"};
  if (has("imgHeight") && has("objects"))
    return {"Cityscapes' polygons of one image", "",
            "mrcnn dataset convert --from cityscapes reads the whole folder, with leftImg8bit and gtFine in it"};
  if (o.type == "FeatureCollection")
    return {"a GeoJSON file", "", "QuPath and others export masks as label images: --from instance-maps reads those"};
  if (has("items") && (has("infos") || has("dm_format_version")))
    return {"a Datumaro file", "", "datum convert -f coco makes a COCO file of it"};
  if (within("objects", "classTitle")) return {"a Supervisely file of one image", "", "export the project as COCO"};
  if (has("image_id") && has("score")) return {"lines of COCO results", "", "a results file is one list: [{...}, {...}]"};
  if (has("data_row")) return {"a Labelbox export, a record a line", "", "export it as COCO"};
  return {"", "", "", has("images") && has("annotations")};
}

}  // namespace mr
