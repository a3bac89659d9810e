// What `mrcnn predict` leaves in its --out: result files, a picture an image, and what was left out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/predict_annotations.h"
#include "app/predict_cityscapes.h"
#include "app/predict_files.h"
#include "train/detector.h"

namespace mr::app {

// The folder of the results, before there are any. Until clear() nothing in it changes.
class ResultFolder {
 public:
  // Errors: a picture that is to be drawn would lie where one of `files` lies; the folder holds results already and `overwrite` is false.
  // `earlier`: results that it holds beside those that are known here.
  ResultFolder(const std::string& folder, const std::vector<std::filesystem::path>& files, bool pictures, bool overwrite,
               std::vector<std::string> earlier = {});

  // Makes the folder; what an earlier run left there, and its images.json tells of, goes.
  void clear() const;

  const std::string& path() const { return folder_; }
  // Where the picture of each file is drawn: its name as a .png, numbered where two would be one. None without pictures.
  const std::vector<std::string>& pictures() const { return pictures_; }

 private:
  std::string folder_;
  std::vector<std::string> pictures_;
  std::vector<std::string> earlier_;  // files of an earlier run
};

// The pictures with their results.
class Results {
 public:
  // With `cityscapes` the results go there, an image at a time, rather than to files in COCO's format.
  Results(const PredictAnnotations& annotations, bool masks, const CityscapesOutput* cityscapes = nullptr)
      : annotations_(annotations), masks_(masks), cityscapes_(cityscapes) {}

  // `picture`: where it was drawn; empty: it was not.
  void add(const FoundObjects& found, int64_t image_id, const std::string& file, PixelSize size, const std::string& picture);
  void write(const std::string& folder) const;

 private:
  void add_rows(const FoundObjects& found, int64_t image_id, PixelSize size);
  const PredictAnnotations& annotations_;
  bool masks_;
  const CityscapesOutput* cityscapes_;
  std::vector<CocoDetection> results_;
  struct Seen {
    int64_t id;
    std::string file, picture;
    PixelSize size;
  };
  std::vector<Seen> images_;
};

// All that was left out, in a file of `folder`.
void write_left_out(const std::string& folder, const std::vector<LeftOut>& pictures, const std::vector<LeftOut>& others);

}  // namespace mr::app
