// One drawn street scene: a pure function of (options, index).
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/scenes/objects.h"

namespace mr {

class Fields;

enum class Frequencies : uint8_t { balanced, cityscapes };

struct SceneOptions {
  int64_t images = 1000;
  int64_t first = 0;  // index of the first scene: other scenes of the same seed for validation
  int64_t height = 256, width = 512;
  uint64_t seed = 1;
  Frequencies frequencies = Frequencies::balanced;
  double density = 1;       // of objects; about six at 1
  double distance = 0.85;   // of objects: below 1 nearer, so larger
  double clutter = 1;       // of small things that are no objects
  double noise = 0.02;      // of the sensor, standard deviation
  int64_t min_pixels = 50;  // visible; what shows less is not annotated

  void visit(Fields& f);
  void validate() const;  // errors: a value out of its range, named by its key in a recipe: data.scenes.distance
};

namespace scenes {

inline constexpr uint16_t first_object = 64;  // owners below are Cityscapes' label ids of what has no instances

struct Scene {
  Image image;                   // empty where it was not asked for
  std::vector<uint16_t> owners;  // [H, W]: a stuff label id, or first_object + i
  std::vector<Kind> objects;     // object i, far to near; those with no pixel included
};

Scene draw_scene(const SceneOptions& options, int64_t index, bool with_image);

// Cityscapes' label id of a class.
int label_id(Kind kind);

}  // namespace scenes
}  // namespace mr
