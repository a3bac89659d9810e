// Cityscapes' folders: ROOT with leftImg8bit/ and gtFine/ (data/cityscapes/folders.h).
//
//   gtFine/<split>/<city>/…_instanceIds.png    an object an instance id of the eight classes that
//                                              are evaluated, as runs; groups become crowds
//   splits                                     train and val, those that are there, as subsets;
//                                              test has no public annotations
#include "base/check.h"
#include "data/cityscapes/dataset.h"
#include "data/convert/readers.h"
#include "data/eval/coco_eval.h"
#include "tensor/parallel.h"

namespace mr::convert {
namespace {

NamedImage named(const CityscapesDataset& dataset, int64_t index, const std::string& split) {
  NamedImage image;
  const ImageInfo info = dataset.info(index);
  image.source = dataset.frame(index).truth, image.stated = image.file = info.file;
  image.height = info.height, image.width = info.width;
  image.subset = split;
  for (CocoObject& o : dataset.truth(index, true)) {
    NamedObject& object = image.objects.emplace_back();
    object.record = str("instance id ", o.id % 100000);
    object.name = dataset.class_names()[static_cast<size_t>(o.label) - 1];
    object.pixels = std::move(o.mask), object.crowd = o.crowd;
  }
  return image;
}

}  // namespace

NamedData read_cityscapes(const ConvertOptions& options, Faults&) {
  NamedData data;
  for (const std::string& root : options.in)
    for (const std::string& split : cityscapes_splits_in(root)) {
      CityscapesOptions of_split;
      of_split.splits = {split};
      const CityscapesDataset dataset(root, of_split);
      data.classes = dataset.class_names();
      const size_t before = data.images.size();
      data.images.resize(before + static_cast<size_t>(dataset.size()));
      parallel_for(dataset.size(), 1, [&](int64_t i) { data.images[before + static_cast<size_t>(i)] = named(dataset, i, split); });
      for (const std::string& note : dataset.notes()) data.notes.push_back(note);
    }
  return data;
}

}  // namespace mr::convert
