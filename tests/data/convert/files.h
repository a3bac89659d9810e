// Folders and small files that the tests make.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mr::test {

// A folder of the test's own, removed at its end.
class Folder {
 public:
  Folder() {
    static int made = 0;
    path_ = (std::filesystem::temp_directory_path() / ("mr_convert_" + std::to_string(getpid()) + "_" + std::to_string(made++))).string();
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Writes the file, with its folders, and returns its path.
  std::string file(const std::string& name, const std::string& text) const {
    make_parents(name);
    std::ofstream(*this / name, std::ios::binary) << text;
    return *this / name;
  }
  void make_parents(const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
  }

 private:
  std::string path_;
};

}  // namespace mr::test
