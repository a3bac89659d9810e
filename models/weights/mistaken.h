// Files that a person takes for weights: each is named, with what to do instead.
#pragma once

#include <map>
#include <string>

#include "base/files.h"
#include "models/weights/zip.h"

namespace mr {

// Of a file that is neither safetensors, nor a zip archive, nor a pickle. Never returns.
[[noreturn]] void refuse_mistaken(const InputFile& file);

// Of a zip archive that holds no data.pkl of torch.save, or holds more than weights; returns where
// the archive is one of torch.save.
void refuse_mistaken_archive(const std::string& where, const std::map<std::string, ZipEntry>& entries);

// Of a folder. Never returns.
[[noreturn]] void refuse_folder(const std::string& path);

// Of a path where there is nothing. Never returns.
[[noreturn]] void refuse_absent(const std::string& path);

}  // namespace mr
