#include "data/image/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "data/image/image.h"

namespace mr::image {

File::File(const std::string& path, int64_t max_bytes) : path_(path) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // non-blocking: a pipe without a writer must not hang
  if (fd_ < 0) refuse(std::strerror(errno));
  struct stat st {};
  if (::fstat(fd_, &st) != 0) refuse(std::strerror(errno));
  if (S_ISDIR(st.st_mode)) refuse("is a folder");
  if (!S_ISREG(st.st_mode)) refuse("is not a regular file");
  if (st.st_size > max_bytes) {
    close();
    throw ImageError(ImageFault::too_large, path, str(st.st_size, " bytes, more than the limit of ", max_bytes));
  }
  size_ = static_cast<size_t>(st.st_size);
}

File::~File() { close(); }

std::vector<uint8_t> File::beginning(size_t n) const {
  std::vector<uint8_t> bytes(n < size_ ? n : size_);
  bytes.resize(read_at(0, bytes));
  return bytes;
}

size_t File::read_at(size_t at, std::span<uint8_t> to) const {
  size_t have = 0;
  while (have < to.size()) {
    const ssize_t got = ::pread(fd_, to.data() + have, to.size() - have, static_cast<off_t>(at + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw ImageError(ImageFault::cannot_open, path_, str("cannot be read: ", std::strerror(errno)));
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return have;
}

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void File::refuse(const std::string& why) {
  close();
  throw ImageError(ImageFault::cannot_open, path_, "cannot be read: " + why);
}

}  // namespace mr::image
