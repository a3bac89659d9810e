// Where the images of a run come from: the `data` of a recipe.
#pragma once

#include <string>
#include <vector>

#include "base/fields.h"
#include "data/cityscapes/folders.h"
#include "data/coco/coco_file.h"
#include "data/loader/loader.h"
#include "data/scenes/scene.h"

namespace mr {

enum class DataKind : uint8_t { scenes, coco, cityscapes, folders };

// Which of Cityscapes' files are read (data/cityscapes/dataset.h).
struct CityscapesConfig {
  std::vector<std::string> train = {"train"}, val = {"val"};
  bool coarse = false;
  CityscapesSource instances = CityscapesSource::instance_ids;
  int64_t min_pixels = 0;
  void visit(Fields& f) {
    f.field("train", train, "splits to learn from: train, train_extra (its annotations are the coarse ones), val");
    f.field("val", val, "splits to evaluate on; empty: no evaluation");
    f.field("coarse", coarse, "read gtCoarse rather than gtFine");
    f.choice("instances", instances, {"instance_ids", "polygons"},
             "the maps ..._instanceIds.png, or ..._polygons.json painted as Cityscapes' own scripts do");
    f.field("min_pixels", min_pixels, "objects of fewer pixels are left out in training");
  }
};

// What the network's class k stands for.
enum class Labels : uint8_t {
  contiguous,   // the k-th class: K outputs for K classes
  category_id,  // the class of category id k, as torchvision's released weights: 90 outputs for COCO's 80 classes
};

struct DataConfig {
  DataKind kind = DataKind::coco;
  std::string root;
  std::string train_annotations = "instances_train.json", train_images = "images";
  std::string val_annotations = "instances_val.json", val_images = "images";
  double val_share = 0;
  int64_t val_seed = 0;
  std::string proposals, val_proposals;
  std::vector<std::string> classes;
  std::vector<int64_t> category_ids;
  Labels labels = Labels::contiguous;
  bool drop_empty = false;
  bool group_aspect = false;
  CorruptImages corrupt_images = CorruptImages::stop;
  FaultyObjects faulty = FaultyObjects::drop;
  double check_seconds = 10;
  int64_t workers = 1;
  int64_t prefetch = 4;
  int64_t reduce = 1;
  std::string cache;
  SceneOptions scenes;
  int64_t val_scenes = 100;
  CityscapesConfig cityscapes;

  void visit(Fields& f) {
    f.choice(
        "kind", kind, {"scenes", "coco", "cityscapes", "folders"},
        "drawn street scenes, images with annotations in COCO's format, Cityscapes' folders, or pictures in a folder for each class (for "
        "a classifier): train_images and val_images");
    f.field("root", root,
            "folder that the four paths below start from; empty: the current one. Of Cityscapes: the folder with leftImg8bit and gtFine");
    f.field("train_annotations", train_annotations, "");
    f.field("train_images", train_images, "");
    f.field("val_annotations", val_annotations, "to evaluate on; empty: val_share decides");
    f.field("val_images", val_images, "");
    f.field("val_share", val_share,
            "where val_annotations is empty: share of the training images that is set apart for evaluation; 0: no evaluation");
    f.field("val_seed", val_seed, "of drawing them, by image id; not the run's seed, so that runs compare");
    f.field("proposals", proposals,
            "boxes for model.proposals.kind = given: a file of mrcnn proposals, COCO results, or Detectron's or detectron2's pickle; below "
            "root");
    f.field("val_proposals", val_proposals, "the same for the images to evaluate on");
    f.field("classes", classes, "names of the classes to learn, in this order; empty: all of the training annotations");
    f.field("category_ids", category_ids, "their ids in result files; empty: those of the training annotations");
    f.choice("labels", labels, {"contiguous", "category_id"}, "output k of the network is the k-th class, or the class of category id k");
    f.field("drop_empty", drop_empty, "leave out training images without any object");
    f.field("group_aspect", group_aspect, "batches of wide or of tall images, so that less is padding");
    f.choice("corrupt_images", corrupt_images, {"stop", "skip"},
             "an image that cannot be decoded ends the run, or is replaced by the next");
    f.choice(
        "faulty", faulty, {"drop", "stop"},
        "objects without extent, mask or pixel, and parts of masks with fewer than three points: training does without them, or they are "
        "an error; evaluation counts them as cocoapi does");
    f.field("check_seconds", check_seconds, "of reading the images' headers at the start: all of them, or as many as this allows; 0: none");
    f.field("workers", workers, "threads that read ahead; 0: none. The batches are the same for any number");
    f.field("prefetch", prefetch, "batches read ahead");
    f.field("reduce", reduce,
            "training pictures are held at 1/N of their size, N x N pixels as one, before augment sees them; evaluation sees whole ones");
    f.field("cache", cache, "folder, below root, for training pictures as they are held, decoded: the same bits, sooner; empty: none");
    f.field("val_scenes", val_scenes, "drawn scenes to evaluate on: those after the training ones");
    f.group("scenes", scenes);
    f.group("cityscapes", cityscapes);
  }
};

}  // namespace mr
