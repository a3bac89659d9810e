#include "data/cache/picture_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "base/retried.h"
#include "data/cache/packed.h"
#include "data/image/canvas.h"
#include "tensor/rng.h"

namespace mr {
namespace {

constexpr const char* format_name = "mrcnn picture 1";
constexpr std::string_view ending = ".picture";

std::string time_text(const timespec& t) { return str(t.tv_sec, ".", t.tv_nsec); }

std::string name_of(const std::string& file, int64_t reduce) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string name;
  for (uint64_t rest = hash64(str(file, "\n", reduce)), i = 0; i < 16; ++i, rest >>= 4) name += digits[rest & 15];
  return str(name, ending);
}

}  // namespace

PictureCache::PictureCache(const std::string& folder, uint64_t spare) : folder_(folder), spare_(spare) {
  try {
    make_folder(folder);
    lock_.emplace(folder + "/.lock");
    if (lock_->held()) remove_temporaries(folder, [](std::string_view name) { return name.ends_with(ending); });
  } catch (const FileError& e) {
    give_up(e.what());
  }
}

CachedPicture PictureCache::entry(const std::string& file, PixelSize whole, int64_t reduce) const {
  const std::string path = std::filesystem::absolute(file).lexically_normal().string();
  CachedPicture p{{}, str(folder_, "/", name_of(path, reduce)), image::reduced(whole, static_cast<int>(reduce))};
  struct stat s = {};
  if (retried([&] { return ::stat(file.c_str(), &s); }) != 0) return p;
  p.key = str(format_name, "\n", path, "\n", s.st_size, " bytes, changed ", time_text(s.st_mtim), ", ", time_text(s.st_ctim), "\n",
              whole.height, "x", whole.width, " / ", reduce, "\n");
  return p;
}

std::optional<Image> PictureCache::find(const CachedPicture& p) const {
  if (p.key.empty()) return {};
  try {
    if (!is_there(p.path)) return {};
    const InputFile file(p.path);
    std::vector<std::byte> bytes(file.size());
    file.read(0, bytes);
    const std::span<const std::byte> all(bytes), key = std::as_bytes(std::span(p.key));
    if (all.size() < key.size() || !std::equal(key.begin(), key.end(), all.begin())) return {};
    return unpacked(all.subspan(key.size()), p.size);
  } catch (const Error&) {
    return {};
  }
}

void PictureCache::store(const CachedPicture& p, const Image& image) {
  if (!writes_ || p.key.empty()) return;
  check(image.height == p.size.height && image.width == p.size.width, "cache: expected a picture of ", p.size.height, "x", p.size.width,
        " pixels, got ", image.height, "x", image.width);
  const std::vector<std::byte> bytes = packed(image);
  const std::optional<uint64_t> free = free_bytes();
  if (free && *free < spare_ + bytes.size())
    return give_up(
        str(folder_, ": its disk has ", *free >> 20, " MiB left, and ", spare_ >> 20, " MiB are kept for weights and checkpoints"));
  try {
    AtomicFile file(p.path);
    file.write(p.key);
    file.write(bytes);
    file.commit();
  } catch (const FileError& e) {
    give_up(e.what());
  }
}

uint64_t PictureCache::stored_bytes(const CachedPicture& p) const {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(p.path, none);
  return none ? 0 : static_cast<uint64_t>(bytes);
}

std::optional<uint64_t> PictureCache::free_bytes() const {
  std::error_code unknown;
  const std::filesystem::space_info space = std::filesystem::space(folder_, unknown);
  return unknown ? std::nullopt : std::optional<uint64_t>(space.available);
}

std::optional<std::string> PictureCache::fault() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fault_, std::nullopt);
}

void PictureCache::give_up(const std::string& why) {
  if (writes_.exchange(false)) {
    const std::lock_guard lock(mutex_);
    fault_ = why;
  }
}

}  // namespace mr
