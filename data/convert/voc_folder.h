// What a folder of Pascal VOC holds beside its images: the names and colours of the class numbers,
// and which image is of which subset.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/convert/number_maps.h"

namespace mr::convert {

constexpr uint16_t kVoid = 255;  // neither object nor background
inline constexpr std::array<const char*, 21> kVocClasses = {
    "background",  "aeroplane", "bicycle", "bird",      "boat",   "bottle",      "bus",   "car",  "cat",   "chair",    "cow",
    "diningtable", "dog",       "horse",   "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"};

uint32_t palette_colour(uint32_t number);  // 0xRRGGBB of VOC's palette

struct VocFolder {
  std::filesystem::path path;
  std::vector<std::string> names;              // by class number
  Colours colours;                             // of the class numbers
  bool own_labels = false;                     // names and colours are labelmap.txt's; else VOC's own
  std::map<std::string, std::string> subsets;  // by an image's id: train, val or test

  // Errors: a line of labelmap.txt that is no label.
  explicit VocFolder(std::filesystem::path folder);
};

std::vector<std::string> voc_ids(const std::string& list);  // of a file of ImageSets: an id a line, what follows a blank is passed over

}  // namespace mr::convert
