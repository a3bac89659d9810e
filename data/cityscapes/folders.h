// Where Cityscapes' files lie, as its downloads unpack:
//
//   ROOT/leftImg8bit/<split>/<city>/<city>_<seq6>_<frame6>_leftImg8bit.png
//   ROOT/gtFine/<split>/<city>/<city>_<seq6>_<frame6>_gtFine_{instanceIds.png, polygons.json, …}
//   ROOT/gtCoarse/<split>/<city>/…_gtCoarse_…
//
// Splits are train, val, test and train_extra (which has coarse annotations alone, and whose images
// may also lie in ROOT/leftImg8bit_trainextra/train_extra, or in leftImg8bit/train_extra of that
// folder).
//
// errors: a folder that is missing, with what was expected and what looks like it: another level, a
// folder too many, an archive that is not unpacked; a split without an image.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mr {

enum class CityscapesSource : uint8_t { instance_ids, polygons };  // …_instanceIds.png, …_polygons.json

struct CityscapesFrame {
  std::string name;   // <city>_<seq6>_<frame6>
  std::string image;  // path
  std::string truth;  // path
};

// One half of a frame whose other half is not there.
struct CityscapesUnpaired {
  std::string there, missing;  // paths
};

struct CityscapesSplit {
  std::string name;
  std::string images, truth;                 // folders of the split
  std::vector<CityscapesFrame> frames;       // by name
  std::vector<CityscapesUnpaired> unpaired;  // by the path that is there
};

// `coarse`: read gtCoarse; for train_extra there is nothing else.
CityscapesSplit cityscapes_split(const std::string& root, const std::string& split, bool coarse = false,
                                 CityscapesSource source = CityscapesSource::instance_ids);

// Of a folder such as ROOT/gtFine/val: frames without images.
std::vector<CityscapesFrame> cityscapes_truth(const std::string& folder);

// "" where the name is none of <city>_<seq6>_<frame6><anything>; else that beginning.
std::string cityscapes_name(const std::string& file_name);

// The folder of the download, or one a level above or below it: reading it is to say which it should have been.
bool is_cityscapes_folder(const std::string& folder);

// Those of train and val that are there. (The annotations of test are not public.) Errors: as
// cityscapes_split, where neither is.
std::vector<std::string> cityscapes_splits_in(const std::string& root);

}  // namespace mr
