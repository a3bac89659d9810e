// Folders of masks in pictures. `class_name` names the objects' class ("object" where it is empty): such pictures know none.
//
// --from masks: one picture an object; what is not 0 is the object (of a JPEG, whose zeros are not exact: what is above 127).
//
//   F/ID/images/ID.png,  F/ID/masks/*.png          a folder an image, as the 2018 Data Science Bowl has them; F is given
//   F/images/NAME.jpg,   F/masks/NAME/*.png        a folder of masks an image
//   F/images/NAME.jpg,   F/masks/NAME_*.png        names that go on from the image's, after _ - or .
//   F/NAME.jpg,          F/NAME_mask_*.png         all in one folder; also NAME_mask*.png
//
// --from instance-maps: one picture of numbers an image, a grey PNG of 8 or 16 bits or one with a palette; 0 is background, and each
// other number is an object, in one part or several.
//
//   F/images/NAME.jpg,   F/masks/NAME.png          or in F/labels, F/instances; also named NAME_mask.png, …
//   F/PNGImages/NAME.png, F/PedMasks/NAME_mask.png     as Penn-Fudan has them
//   F/NAME.jpg,          F/NAME_masks.png          all in one folder: _mask, _masks, _cp_masks, _label, _labels, _instance, _instances,
//                                                  _instanceIds
//
// In both, F/images may be given as `--images`, and then F is the folder of the masks itself.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "data/convert/number_maps.h"
#include "data/convert/pictures.h"
#include "data/convert/readers.h"
#include "data/image/image.h"
#include "tensor/parallel.h"

namespace mr::convert {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 8> kMapEndings = {"_cp_masks", "_masks",     "_mask",        "_labels",
                                                    "_label",    "_instances", "_instanceIds", "_instance"};

std::string stem(const std::string& file) { return fs::path(file).stem().string(); }

std::vector<std::string> pictures_in(const std::string& folder) {
  std::vector<std::string> files = files_in(folder, false);
  std::erase_if(files, [](const std::string& file) { return !is_picture(file); });
  return files;
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) folders.push_back(entry.path().string());
  std::sort(folders.begin(), folders.end());
  return folders;
}

// An image and the pictures that hold its objects.
struct Pair {
  std::string image;
  std::vector<std::string> masks;
};

// What stands before "_mask" in a name; empty where it has none, or nothing before.
std::string before_mask(const std::string& name) {
  const size_t at = name.rfind("_mask");
  return at == std::string::npos ? "" : name.substr(0, at);
}

// Images by their names without extension. Errors: two of one name (a.jpg and a.png).
std::map<std::string, Pair> by_stem(const std::vector<std::string>& images) {
  std::map<std::string, Pair> pairs;
  for (const std::string& image : images) {
    const auto [at, fresh] = pairs.emplace(stem(image), Pair{image, {}});
    check(fresh, image, ": expected one image of that name, got ", at->second.image, " too");
  }
  return pairs;
}

// The longest name of an image from which that of a mask goes on; the end where there is none.
std::map<std::string, Pair>::iterator owner(std::map<std::string, Pair>& pairs, const std::string& mask) {
  for (size_t end = mask.size(); end > 0; --end) {
    if (end < mask.size() && mask[end] != '_' && mask[end] != '-' && mask[end] != '.') continue;
    if (const auto at = pairs.find(mask.substr(0, end)); at != pairs.end()) return at;
  }
  return pairs.end();
}

class MaskFolders {
 public:
  MaskFolders(const ConvertOptions& options, bool maps) : options_(options), maps_(maps) {}

  NamedData read() {
    for (const std::string& in : options_.in) {
      check(fs::is_directory(in), in, ": expected a folder, got ", fs::exists(in) ? "a file" : "nothing: there is none");
      const size_t before = pairs_.size();
      find(in);
      check(pairs_.size() > before, in, ": expected images and pictures of their masks (--help tells the layouts), got none");
    }
    NamedData data;
    data.images.resize(pairs_.size());
    single_.assign(pairs_.size(), false);
    parallel_for(static_cast<int64_t>(pairs_.size()), 1, [&](int64_t i) {
      const auto k = static_cast<size_t>(i);
      data.images[k] = maps_ ? from_map(pairs_[k], k) : from_masks(pairs_[k]);
    });
    if (orphans_ > 0)
      data.notes.push_back(str(orphans_, " pictures of masks belong to no image, and were passed over; the first is ", first_orphan_));
    if (bare_ > 0) data.notes.push_back(str(bare_, " images have no picture of masks, and were passed over; the first is ", first_bare_));
    if (maps_ && pairs_.size() > 1 && std::all_of(single_.begin(), single_.end(), [](bool b) { return b; }))
      data.notes.push_back(
          "no map holds more than one number: if these are masks of a class rather than numbers of objects, then objects are one "
          "where there are several");
    return data;
  }

 private:
  // ---- which pictures belong together ----

  void find(const std::string& in) {
    const fs::path f = in;
    if (!options_.images.empty()) return beside(options_.images, in);
    for (const auto& [images, masks] : std::initializer_list<std::pair<const char*, const char*>>{
             {"images", "masks"}, {"images", "labels"}, {"images", "instances"}, {"PNGImages", "PedMasks"}})
      if (fs::is_directory(f / images) && fs::is_directory(f / masks)) return beside((f / images).string(), (f / masks).string());
    if (!maps_) {
      bool bowl = false;
      for (const std::string& folder : folders_in(in)) bowl = one_a_folder(folder) || bowl;
      if (bowl) return;
    }
    together(in);
  }

  // F/ID: its one image, and all of its masks.
  bool one_a_folder(const fs::path& folder) {
    if (!fs::is_directory(folder / "images") || !fs::is_directory(folder / "masks")) return false;
    const std::vector<std::string> images = pictures_in((folder / "images").string());
    check(images.size() == 1, (folder / "images").string(), ": expected one image, got ", images.size());
    pairs_.push_back({images[0], pictures_in((folder / "masks").string())});
    return true;
  }

  // Images in one folder, masks in another.
  void beside(const std::string& images, const std::string& masks) {
    std::map<std::string, Pair> pairs = by_stem(pictures_in(images));
    if (!maps_)
      for (const std::string& folder : folders_in(masks)) {
        const auto at = pairs.find(fs::path(folder).filename().string());
        if (at != pairs.end()) at->second.masks = pictures_in(folder);
      }
    for (const std::string& file : pictures_in(masks)) {
      const auto at = maps_ ? map_owner(pairs, stem(file)) : owner(pairs, stem(file));
      if (at == pairs.end())
        orphan(file);
      else
        at->second.masks.push_back(file);
    }
    keep(pairs);
  }

  // Images and masks in one folder, told apart by their names.
  void together(const std::string& folder) {
    std::vector<std::string> images, masks;
    for (const std::string& file : pictures_in(folder)) {
      const std::string name = stem(file);
      const bool mask = maps_ ? std::any_of(kMapEndings.begin(), kMapEndings.end(), [&](const char* e) { return name.ends_with(e); })
                              : !before_mask(name).empty();
      (mask ? masks : images).push_back(file);
    }
    std::map<std::string, Pair> pairs = by_stem(images);
    for (const std::string& file : masks) {
      const auto at = maps_ ? map_owner(pairs, stem(file)) : pairs.find(before_mask(stem(file)));
      if (at == pairs.end())
        orphan(file);
      else
        at->second.masks.push_back(file);
    }
    keep(pairs);
  }

  static std::map<std::string, Pair>::iterator map_owner(std::map<std::string, Pair>& pairs, const std::string& name) {
    if (const auto at = pairs.find(name); at != pairs.end()) return at;
    for (const std::string ending : kMapEndings)
      if (name.ends_with(ending))
        if (const auto at = pairs.find(name.substr(0, name.size() - ending.size())); at != pairs.end()) return at;
    return pairs.end();
  }

  void orphan(const std::string& file) {
    if (orphans_++ == 0) first_orphan_ = file;
  }

  void keep(std::map<std::string, Pair>& pairs) {
    for (auto& [name, pair] : pairs) {
      if (pair.masks.empty()) {
        if (bare_++ == 0) first_bare_ = pair.image;
        continue;
      }
      check(!maps_ || pair.masks.size() == 1, pair.image, ": expected one map, got ", pair.masks[0], " and ", pair.masks.back(),
            " (--from masks reads a picture an object)");
      std::sort(pair.masks.begin(), pair.masks.end());
      pairs_.push_back(std::move(pair));
    }
  }

  // ---- their pixels ----

  NamedImage named(const Pair& pair) const {
    NamedImage image;
    image.source = pair.masks.empty() ? pair.image : pair.masks[0];
    image.stated = image.file = pair.image;
    return image;
  }

  NamedObject object(const std::string& record, Rle pixels) const {
    NamedObject o;
    o.record = record, o.pixels = std::move(pixels);
    o.name = options_.class_name.empty() ? "object" : options_.class_name;
    return o;
  }

  NamedImage from_map(const Pair& pair, size_t k) {
    NamedImage image = named(pair);
    const Bitmap16 map = read_number_map(pair.masks[0]);
    image.height = map.height, image.width = map.width;
    for (NumberedObject& o : numbered_objects(map)) image.objects.push_back(object(str("number ", o.number), std::move(o.mask)));
    single_[k] = image.objects.size() <= 1;
    return image;
  }

  NamedImage from_masks(const Pair& pair) const {
    NamedImage image = named(pair);
    for (const std::string& file : pair.masks) {
      const Bitmap bits = object_in(file);
      check(image.height == 0 || (bits.height == image.height && bits.width == image.width), file, ": expected ", image.height, "x",
            image.width, " pixels as ", pair.masks[0], " has, got ", bits.height, "x", bits.width);
      image.height = bits.height, image.width = bits.width;
      image.objects.push_back(object(fs::path(file).filename().string(), rle_encode(bits)));
    }
    return image;
  }

  static Bitmap object_in(const std::string& file) {
    ImageNotes notes;
    const Image picture = read_image(file, {}, &notes);
    Bitmap bits(picture.height, picture.width);
    if (notes.format == ImageFormat::png && notes.bits == 16 && notes.channels == 1) {  // 8 bits may have lost a small number
      const Bitmap16 numbers = read_png16(file);
      std::transform(numbers.pixels.begin(), numbers.pixels.end(), bits.pixels.begin(), [](uint16_t v) { return v != 0; });
      return bits;
    }
    const int above = notes.format == ImageFormat::jpeg ? 127 : 0;
    for (size_t i = 0; i < bits.pixels.size(); ++i) {
      const uint8_t* p = picture.rgb.data() + 3 * i;
      bits.pixels[i] = p[0] > above || p[1] > above || p[2] > above;
    }
    return bits;
  }

  const ConvertOptions& options_;
  bool maps_;
  std::vector<Pair> pairs_;
  std::vector<char> single_;  // of each pair: its map holds one number at most
  int64_t orphans_ = 0, bare_ = 0;
  std::string first_orphan_, first_bare_;
};

}  // namespace

NamedData read_masks(const ConvertOptions& options, Faults&) { return MaskFolders(options, false).read(); }

NamedData read_instance_maps(const ConvertOptions& options, Faults&) { return MaskFolders(options, true).read(); }

}  // namespace mr::convert
