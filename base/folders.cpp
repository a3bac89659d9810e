#include "base/folders.h"

#include <filesystem>
#include <system_error>

#include "base/check.h"
#include "base/files.h"

namespace mr {

std::vector<std::string> names_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) throw FileError(str(folder, ": cannot be listed: ", reason_of(error.value())), error.value());
  return names;
}

}  // namespace mr
