#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/check.h"

namespace mr {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers, copied as they are");

constexpr size_t largest_call = size_t{1} << 30;  // Linux moves at most 2 GiB a call

std::string system_message() { return std::generic_category().message(errno); }

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
  fd_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  check(fd_ >= 0 || errno != ENOENT, path, ": there is no such file");
  check(fd_ >= 0, path, ": cannot open: ", system_message());
  struct stat info = {};
  const bool known = ::fstat(fd_, &info) == 0;
  if (!known || !S_ISREG(info.st_mode)) {
    const std::string why = known ? str("expected a file, got ", kind_of(info.st_mode)) : system_message();
    ::close(fd_);
    fail(path, ": ", why);
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(fd_); }

void InputFile::read(uint64_t offset, std::span<std::byte> out) const {
  check(offset <= size_ && out.size() <= size_ - offset, path_, ": ", out.size(), " bytes at ", offset, " lie past the end (", size_,
        " bytes)");
  while (!out.empty()) {
    const ssize_t got = ::pread(fd_, out.data(), std::min(out.size(), largest_call), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    check(got >= 0, path_, ": cannot read at ", offset, ": ", system_message());
    check(got > 0, path_, ": cut short while being read, at ", offset);
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
}

std::string InputFile::read_text(uint64_t offset, uint64_t bytes) const {
  check(offset <= size_ && bytes <= size_ - offset, path_, ": ", bytes, " bytes at ", offset, " lie past the end (", size_, " bytes)");
  std::string text(bytes, '\0');
  read(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  static std::atomic<int> counter{0};
  const std::string folder = folder_of(path), file = path.substr(path.rfind('/') + 1);
  check(!file.empty(), path, ": expected a file name, got a folder");
  temporary_ = str(folder, "/.", file, ".", ::getpid(), ".", counter++, ".tmp");
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  check(fd_ >= 0, path, ": cannot write in ", folder, ": ", system_message());
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  fd_ = -1;
  temporary_.clear();
}

void AtomicFile::failed(const char* doing) const {
  fail(path_, ": cannot ", doing, ": ", system_message(), " (the file is as it was before)");
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check(fd_ >= 0, path_, ": written to after it was finished");
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), std::min(bytes.size(), largest_call));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) failed("write");
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void AtomicFile::commit() {
  check(fd_ >= 0, path_, ": finished twice");
  if (::fsync(fd_) != 0) failed("flush to the disk");
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) failed("close");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) failed("rename into place");
  temporary_.clear();
  // The new name itself reaches the disk with its folder. Some file systems cannot flush a folder (EINVAL): nothing to do there.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const int error = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  check(error == 0 || error == EINVAL, path_,
        ": written, but its folder cannot be flushed to the disk: ", std::generic_category().message(error));
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  check(!error, path, ": cannot be created: ", error.message());
  const bool open = ::access(path.c_str(), W_OK | X_OK) == 0;
  check(open, path, ": no files can be made in this folder: ", system_message());
}

std::string read_text_file(const std::string& path, uint64_t most_bytes) {
  const InputFile file(path);
  check(file.size() <= most_bytes, path, ": ", file.size(), " bytes; at most ", most_bytes, " are read");
  return file.read_text(0, file.size());
}

void write_text_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

namespace {

// tables[k][b]: the checksum of byte b followed by k zero bytes, so that eight bytes are taken at once ("slicing by 8").
constexpr auto crc_tables = [] {
  std::array<std::array<uint32_t, 256>, 8> t{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t c = b;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) ? 0xedb88320u : 0);
    t[0][b] = c;
  }
  for (uint32_t b = 0; b < 256; ++b)
    for (size_t k = 1; k < 8; ++k) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 255];
  return t;
}();

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  uint32_t c = ~before;
  const std::byte* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + 4, 4);
    low ^= c;
    c = crc_tables[7][low & 255] ^ crc_tables[6][(low >> 8) & 255] ^ crc_tables[5][(low >> 16) & 255] ^ crc_tables[4][low >> 24] ^
        crc_tables[3][high & 255] ^ crc_tables[2][(high >> 8) & 255] ^ crc_tables[1][(high >> 16) & 255] ^ crc_tables[0][high >> 24];
  }
  for (; n > 0; --n, ++p) c = (c >> 8) ^ crc_tables[0][(c ^ static_cast<uint32_t>(*p)) & 255];
  return ~c;
}

}  // namespace mr
