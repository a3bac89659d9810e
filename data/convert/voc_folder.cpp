#include "data/convert/voc_folder.h"

#include <cstdio>
#include <sstream>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

// "name:r,g,b:…" a line, in the order of class numbers.
void read_labels(const std::string& map, VocFolder& f) {
  std::istringstream lines(read_text_file(map));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line[0] == '#' || line == "\r") continue;
    const size_t colon = line.find(':');
    unsigned r = 0, g = 0, b = 0;
    const bool sound = colon != line.npos && colon > 0 && std::sscanf(line.c_str() + colon, ":%u,%u,%u", &r, &g, &b) == 3 && r < 256 &&
                       g < 256 && b < 256 && f.names.size() < kVoid;
    check(sound, map, ": line ", number, ": expected NAME:RED,GREEN,BLUE:..., got ", printable(line));
    f.colours.emplace(r << 16 | g << 8 | b, static_cast<uint16_t>(f.names.size()));
    f.names.push_back(line.substr(0, colon));
  }
}

}  // namespace

// The bits of a number are dealt out to red, green and blue, the highest bits first.
uint32_t palette_colour(uint32_t number) {
  uint32_t rgb[3] = {0, 0, 0};
  for (int bit = 7; bit >= 0; --bit, number >>= 3)
    for (int c = 0; c < 3; ++c) rgb[c] |= (number >> c & 1) << bit;
  return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

VocFolder::VocFolder(fs::path folder) : path(std::move(folder)) {
  const fs::path map = path / "labelmap.txt";
  own_labels = fs::exists(map);
  if (own_labels) {
    read_labels(map.string(), *this);
  } else {
    names.assign(kVocClasses.begin(), kVocClasses.end());
    for (uint32_t k = 0; k < kVocClasses.size(); ++k) colours[palette_colour(k)] = static_cast<uint16_t>(k);
  }
  colours[palette_colour(kVoid)] = kVoid;
  for (const char* subset : {"train", "val", "test"})
    if (const fs::path list = path / "ImageSets/Segmentation" / (std::string(subset) + ".txt"); fs::exists(list))
      for (const std::string& id : voc_ids(list.string())) subsets.emplace(id, subset);
}

std::vector<std::string> voc_ids(const std::string& list) {
  std::istringstream lines(read_text_file(list));
  std::vector<std::string> ids;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id;
    if (words >> id) ids.push_back(id);
  }
  return ids;
}

}  // namespace mr::convert
