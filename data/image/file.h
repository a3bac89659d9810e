// An image file as the decoders see it: opened so that nothing hangs, read at any offset. Errors: ImageError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mr::image {

class File {
 public:
  File(const std::string& path, int64_t max_bytes);  // errors: missing, a folder, a pipe (never waits for a writer), larger than max_bytes
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  size_t size() const { return size_; }
  std::vector<uint8_t> beginning(size_t n) const;          // the first n bytes, or all where there are fewer
  size_t read_at(size_t at, std::span<uint8_t> to) const;  // how many there were

 private:
  void close();
  [[noreturn]] void refuse(const std::string& why);

  std::string path_;
  int fd_ = -1;
  size_t size_ = 0;
};

}  // namespace mr::image
