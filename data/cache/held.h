// The pictures of a dataset as training holds them: at a part of their size, and from a cache.
//
//   reduce N      N×N pixels become one, their mean, rounded (Canvas); the last block along a side
//                 may be smaller. Masks are taken at the pixel nearest to each block's centre, and
//                 boxes are those of what is left of them; an object without a pixel is left out
//   cache         the same pictures, sooner: a run's bits are the same with it and without, for
//                 every N. At N = 1 they are those of the dataset itself
//
// `info` has the size as it is held. Boxes without a mask are divided by N. For training alone: truth() and
// instance_ids(), which evaluation asks, stay those of the whole picture.
#pragma once

#include <memory>
#include <string>

#include "data/cache/picture_cache.h"
#include "data/pixel_change.h"
#include "data/view.h"

namespace mr {

class HeldPictures : public View {
 public:
  // `cache` may be null. Errors: reduce outside of 1 … 64.
  HeldPictures(std::shared_ptr<const Dataset> from, int64_t reduce, std::shared_ptr<PictureCache> cache);

  ImageInfo info(int64_t index) const override;
  std::vector<Instance> instances(int64_t index) const override;
  Sample sample(int64_t index) const override;
  std::vector<ProposedBox> proposals(int64_t index) const override;

  // What is to be known of the cache before a run: how much is in it, how much it may come to hold, what room there is.
  std::string about_cache() const;

 private:
  PixelChange reduction(const ImageInfo& whole) const;
  void reduce_objects(std::vector<Instance>& objects, const ImageInfo& whole) const;

  int64_t reduce_;
  std::shared_ptr<PictureCache> cache_;
};

// The mean of every block of `factor` × `factor` pixels.
Image reduced(const Image& image, int64_t factor);

}  // namespace mr
