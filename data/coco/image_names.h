// The file names of images in annotation files, and how they go wrong.
#pragma once

#include <string>

namespace mr {

// Why a name cannot be that of a file in the image folder: empty, absolute, an address, or leading out of it. Empty if it can.
std::string image_name_fault(const std::string& name);

// FOLDER/NAME is not there: what is there instead, and how to mend it. It looks for the folder itself, backslashes, a part of the path
// written twice, upper and lower case, another ending, %20 and the like, and the folders above and below. Empty if nothing is found.
std::string missing_image_hint(const std::string& folder, const std::string& name);

}  // namespace mr
