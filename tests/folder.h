// Folders for the files of tests. Each case runs in a process of its own beside others, so no two may use one name.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mr::test {

// A folder of its own, removed at the end of the test.
class Folder {
 public:
  Folder() {
    static int counter = 0;
    const std::filesystem::path memory = "/dev/shm";  // thousands of small files: on a disk they take a minute
    const auto base = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    path_ = (base / ("mr_test_" + std::to_string(::getpid()) + "_" + std::to_string(counter++))).string();
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }
  size_t files() const {
    size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) n += entry.exists();
    return n;
  }

 private:
  std::string path_;
};

// A file or folder of this process, removed when it ends.
inline std::string own_path(const std::string& name) {
  static const Folder folder;
  return folder / name;
}

}  // namespace mr::test
