// A model ready to look at pictures: network, recipe and class names together, as a weights file holds them.
//
//   Detector d = load_detector("best.safetensors");
//   for (const Detection& x : detect(d, read_image("street.jpg"))) …
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/detection.h"
#include "data/image/image.h"
#include "models/systems/make.h"
#include "models/weights/weight_file.h"
#include "ops/boxes/mask_paste.h"
#include "train/datasets.h"
#include "train/recipe.h"

namespace mr {

struct Detector {
  Recipe recipe;
  Classes classes;
  std::unique_ptr<System> system;
  std::string notes = {};  // of load_detector, for the user: whose names the weights had, settings that do not go with them
};

// A new model with initial weights. recipe.model.classes becomes the number of classes where it is 0.
Detector make_detector(const Recipe& recipe, const Classes& classes, const SystemMaker& make = make_system);

struct LoadDetectorOptions {
  std::string recipe = {};                    // a name or a TOML file, in place of the file's own
  std::vector<std::string> assignments = {};  // over it. data.category_ids tells the ids of the file's classes anew, one for each
  double score = 1;                           // objects of this score are found, too, whatever the recipe says (lower_score)
  std::vector<std::string> renames = {};      // prefixes of names, "FROM=TO"
  SystemMaker make_system = mr::make_system;
};

// Recipe and classes come from the file, but for the options.
// Errors: a file without recipe and none given; classes that neither holds; tensors that do not fit the recipe.
Detector load_detector(const std::string& weights, const LoadDetectorOptions& options = {});

// The weights with recipe, class names, category ids and preprocessing in the metadata.
void save_detector(const Detector& detector, const std::string& path);

// The classes that a file of ours names; none where it names none. Errors: metadata that are no such lists.
Classes stored_classes(const WeightFile& file);

// Best score first. Resized, normalised and pasted as the recipe says.
std::vector<Detection> detect(const Detector& detector, const Image& image);
// The same of several at once: padded to one size, which changes what is found a little where they differ (train/size_groups.h).
// `given`: the proposals of each, best first, where the network wants them (Traits::given); else none.
std::vector<std::vector<Detection>> detect(const Detector& detector, std::span<const Image* const> images,
                                           std::span<const std::vector<ProposedBox>> given = {});

// Objects whose masks are as the network gives them, m×m probabilities over each box: a few kB an object, however large the picture is.
struct FoundObjects {
  std::vector<Detection> objects;  // without masks
  int m = 0;                       // 0: no mask head
  std::vector<float> grids;        // [objects·m·m]
  PasteRule rule = PasteRule::accurate;

  // Object i's mask in a picture of that size in which its box is `box`.
  CroppedMask mask(size_t i, const Box& box, PixelSize picture) const;
  Rle rle(size_t i, PixelSize picture) const;  // in the picture as it was given
};
// Boxes are in pixels of the whole picture, also where the image is a reduction of it.
FoundObjects find_objects(const Detector& detector, const Image& image, const Reduction& reduction = {});

// Memory that the network takes for a picture of that size, at least: its input and the first maps that live at the same time.
int64_t least_network_bytes(const Detector& detector, PixelSize picture);

// Threads, and bf16 or tf32 where the recipe asks for it and the device has it: a GPU, or for bf16 a processor with AVX-512. Returns a line to show
// where it fell back to f32.
std::optional<std::string> use_context_of(Recipe& recipe, Device device = {});

}  // namespace mr
