// Pictures sorted into a folder for each class, as ImageNet is laid out: what a classifier learns
// from.
//
//   DIR/cat/1.jpg  DIR/cat/more/2.png  DIR/dog/1.jpg      two classes, cat and dog, in the order of their names
//
// A picture has one object: of its folder's class, with the whole picture as its box and no mask.
// Pictures are known by their number in the order of their names, from 1. Hidden files are passed
// over; files that are no pictures, and pictures in no folder or in one that is not wanted, are
// counted in notes().
//
// Errors: a folder that is missing or cannot be read; no folder in it; no picture in any. sample(): a
// picture that cannot be read. One whose header cannot be read is of 1×1 pixels to info() and
// instances(), so that whoever skips such pictures (data.corrupt_images) can go on.
#pragma once

#include "data/dataset.h"

namespace mr {

class FolderDataset : public Dataset {
 public:
  // `wanted`: the folders that are read, where they are there; empty: all.
  explicit FolderDataset(const std::string& folder, const std::vector<std::string>& wanted = {});

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  const std::vector<std::string>& class_names() const override { return classes_; }
  std::vector<int64_t> category_ids() const override;  // 1 … K
  ImageInfo info(int64_t index) const override;        // reads the picture's header
  std::vector<Instance> instances(int64_t index) const override;
  Sample sample(int64_t index) const override;
  std::vector<ObjectCount> object_counts() const override;
  std::vector<std::string> notes() const override { return notes_; }

 private:
  struct Picture {
    std::string file;
    int label = 0;
  };
  Sample of(int64_t index, PixelSize size) const;
  PixelSize stated_size(int64_t index) const;

  std::vector<std::string> classes_, notes_;
  std::vector<Picture> pictures_;
};

}  // namespace mr
