// What a dataset is to the rest of the program: numbered samples, each an image with its instances.
// COCO files and the drawn street scenes are Datasets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "geometry/box.h"
#include "geometry/mask.h"
#include "geometry/pixel_size.h"

namespace mr {
struct CocoObject;  // data/eval/coco_eval.h

// An 8-bit RGB picture, [H·W·3], rows from the top.
struct Image {
  int height = 0, width = 0;
  std::vector<uint8_t> rgb;

  Image() = default;
  Image(int h, int w) : height(h), width(w), rgb(static_cast<size_t>(h) * static_cast<size_t>(w) * 3) {}
  uint8_t* at(int y, int x) { return rgb.data() + (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * 3; }
  const uint8_t* at(int y, int x) const {
    return rgb.data() + (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * 3;
  }
};

struct Instance {
  int64_t id = 0;  // of the annotation, for messages
  int label = 0;   // 1 … K, contiguous; 0 is background
  Box box;
  CroppedMask mask;
  double area = 0;     // as the annotation states it: the evaluator's small/medium/large
  bool crowd = false;  // a region of many objects: ignored in training, matched many times in evaluation
};

// A box in which there may be an object, of whatever class.
struct ProposedBox {
  Box box;
  float score = 0;  // as whoever proposed it ranks it
  bool operator==(const ProposedBox&) const = default;
};

struct ImageInfo {
  int64_t image_id = 0;
  int height = 0, width = 0;
  std::string file;  // for messages; empty where there is none
};

struct Sample {
  ImageInfo info;
  Image image;
  std::vector<Instance> instances;
  std::vector<ProposedBox> proposals = {};  // best first, where a dataset has them
};

struct ObjectCount {
  int64_t objects = 0, crowds = 0;  // that training sees
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  virtual const std::vector<std::string>& class_names() const = 0;   // of labels 1 … K
  virtual std::vector<int64_t> category_ids() const = 0;             // of labels 1 … K, as in result files
  virtual ImageInfo info(int64_t index) const = 0;                   // cheap: no decoding
  virtual std::vector<Instance> instances(int64_t index) const = 0;  // without decoding the image
  virtual Sample sample(int64_t index) const = 0;                    // called from several threads at once

  // The objects as evaluation counts them: as the annotations state them, not clipped to the image, with those that training does
  // without. By default those of instances(). `masks`: with their masks.
  virtual std::vector<CocoObject> truth(int64_t index, bool masks) const;
  // What each pixel shows, [H·W], as Cityscapes' instance ids (data/cityscapes/labels.h). Empty: not known.
  virtual std::vector<uint16_t> instance_ids(int64_t /*index*/) const { return {}; }
  // Best first; those of sample(), which gives them too. Empty: it has none.
  virtual std::vector<ProposedBox> proposals(int64_t /*index*/) const { return {}; }
  // Of labels 1 … K. Empty: not known without making every sample.
  virtual std::vector<ObjectCount> object_counts() const { return {}; }
  // What a person should know before working with it.
  virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace mr
