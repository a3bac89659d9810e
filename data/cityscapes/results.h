// Result files as Cityscapes' evaluation server and script take them. For each image of the ground
// truth, anywhere in one folder,
//
//   <city>_<seq6>_<frame6>*.txt     a line a prediction, perhaps none, of
//       masks/aachen_000000_000019_0.png    the mask's file, from the text file's own folder on and
//                                           within the results' folder
//       26                                  the label's id
//       0.98                                the score
//
// parted by one blank each. Any pixel of the mask that is not black is part of the prediction
// (data/image/mask_picture.h). Of two lines that name one file the last counts, as in the script.
//
// errors: FILE: line N: what was expected there; a text file that is missing, or one of several,
// for an image; a mask that is missing, lies outside the folder, cannot be read (ImageError) or is
// not of the image's size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cityscapes/evaluation.h"

namespace mr {

struct CityscapesResult {
  std::string mask;  // path
  int label = 0;
  double score = 0;
};

// What a text file says; `folder`: the results' own. The masks are not looked at.
std::vector<CityscapesResult> parse_cityscapes_results(const std::string& text, const std::string& file, const std::string& folder);

struct CityscapesEvalFolders {
  CityscapesFigures figures;
  int64_t images = 0, predictions = 0;  // of the classes that are evaluated
  int64_t other_class = 0;              // predictions of other labels, which do not count
  std::vector<std::string> notes;       // for a person
};

// `truth`: a split's folder, …/gtFine/val, all of whose images are evaluated. `results`: the folder
// of the result files. By distance, too, where the split's depth lies beside gtFine
// (data/cityscapes/depth.h).
CityscapesEvalFolders cityscapes_eval_folders(const std::string& truth, const std::string& results);

// Writes result files, one image after the other, with masks in black and white:
// FOLDER/<image>.txt and FOLDER/masks/<image>_<n>.png.
class CityscapesResultWriter {
 public:
  explicit CityscapesResultWriter(std::string folder) : folder_(std::move(folder)) {}

  // `name`: <city>_<seq6>_<frame6>. Masks are of the whole image. Errors: a failed write.
  void image(const std::string& name, const std::vector<CityscapesPrediction>& predictions) const;
  // The files that image() would write, or an earlier run has written, for an image of that name.
  std::vector<std::string> files_of(const std::string& name) const;

 private:
  std::string folder_;
};

}  // namespace mr
