// What `mrcnn predict` is to look at: files as they were given; of a folder the pictures in it, by name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mr::app {

struct LeftOut {
  std::string file, why;
};

struct PictureFiles {
  std::vector<std::filesystem::path> files;
  std::vector<LeftOut> pictures;  // of folders: pictures and videos of a kind that is not read; pictures that cannot be looked at
  std::vector<LeftOut> others;    // of folders: what is no picture, folders in them, pictures that are hidden
};

// A folder's other hidden files (.DS_Store and the like) are passed over. Errors: an input that is not there; a folder that cannot be
// listed, or without pictures.
PictureFiles find_pictures(const std::vector<std::string>& inputs);

// The first few, one after the other.
std::string some_of(const std::vector<std::string>& all);

}  // namespace mr::app
