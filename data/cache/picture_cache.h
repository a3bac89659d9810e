// A folder of decoded pictures, so that the second look at one costs a read and no decoding.
//
// What comes out of it is what was put in, to the bit, or nothing. A picture is known by the path of
// its file, that file's size and times (of the last change of its contents and of its entry in the
// file system), its stated size and the setting under which it was made; all stand in the entry, and
// all are compared. The contents themselves are not hashed: to read a whole file only to learn that
// it is the one known would cost the disk what the cache saves. A file that is replaced has another
// time, even where its old one is restored (cp -p, rsync), and its entry is written over.
//
//   DIR/<16 digits>.picture      the key as text, a line's end, the packed picture (data/cache/packed.h)
//
// Entries appear whole or not at all (AtomicFile), so any number of runs may share the folder, and
// one that is killed leaves at most a temporary file, which the next run that is alone with the
// folder removes. An entry that is cut short or damaged counts for nothing and is written over.
//
// Where an entry cannot be written, and where it would leave less than `spare` bytes on the disk,
// nothing more is written in this run; `fault` says why, once. Entries that are there are still read.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/file_lock.h"
#include "data/dataset.h"

namespace mr {

// One picture as it is to be kept.
struct CachedPicture {
  std::string key;  // what the entry begins with; empty: the file cannot be looked at
  std::string path;
  PixelSize size;  // of the picture in the cache
};

class PictureCache {
 public:
  static constexpr uint64_t default_spare = uint64_t{512} << 20;  // room for weights and checkpoints on the same disk

  // Makes the folder. Where that fails, the cache stays empty and `fault` says so.
  explicit PictureCache(const std::string& folder, uint64_t spare = default_spare);

  // As the file is now: to be asked for before it is read. `whole`: its stated size; `reduce`: the picture's side is that of the file over so many.
  CachedPicture entry(const std::string& file, PixelSize whole, int64_t reduce) const;
  std::optional<Image> find(const CachedPicture& picture) const;
  void store(const CachedPicture& picture, const Image& image);
  uint64_t stored_bytes(const CachedPicture& picture) const;  // of the entry's file, whatever it holds; 0: there is none

  const std::string& folder() const { return folder_; }
  std::optional<uint64_t> free_bytes() const;  // on its disk; nothing: it cannot be told
  std::optional<std::string> fault();          // what has gone wrong since the last call

 private:
  void give_up(const std::string& why);

  std::string folder_;
  uint64_t spare_;
  std::optional<FileLock> lock_;
  std::atomic<bool> writes_ = true;
  std::mutex mutex_;
  std::optional<std::string> fault_;
};

}  // namespace mr
