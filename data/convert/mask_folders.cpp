// Folders of masks in pictures. `class_name` names the objects' class ("object" where it is empty): such pictures know none.
//
// --from masks: one picture an object; what is not 0 is the object, however deep the samples (of JPEG and lossy WebP, whose zeros are not
// exact: what is above 127). Where a picture is transparent there is no object; where all that shows is black, what shows is the object.
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

// Where images and their masks lie side by side.
constexpr std::array<std::pair<const char*, const char*>, 4> kBeside = {
    {{"images", "masks"}, {"images", "labels"}, {"images", "instances"}, {"PNGImages", "PedMasks"}}};

std::string stem(const std::string& file) { return fs::path(file).stem().string(); }

std::vector<std::string> pictures_in(const std::string& folder, std::vector<std::string>& notes) {
  std::vector<std::string> files = files_in(folder, false, notes);
  std::erase_if(files, [](const std::string& file) { return !is_picture(file); });
  return files;
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && !entry.path().filename().string().starts_with('.')) folders.push_back(entry.path().string());
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

// The image whose map of numbers it is: of the same name, or of what stands before an ending.
std::map<std::string, Pair>::iterator map_owner(std::map<std::string, Pair>& pairs, const std::string& name) {
  if (const auto at = pairs.find(name); at != pairs.end()) return at;
  for (const std::string ending : kMapEndings)
    if (name.ends_with(ending))
      if (const auto at = pairs.find(name.substr(0, name.size() - ending.size())); at != pairs.end()) return at;
  return pairs.end();
}

bool is_one_image(const fs::path& folder) { return fs::is_directory(folder / "images") && fs::is_directory(folder / "masks"); }

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
    data.notes = std::move(notes_);
    if (orphans_.count() > 0)
      data.notes.push_back(str(orphans_.count(), " pictures of masks belong to no image, and were passed over: ", orphans_.list()));
    if (bare_.count() > 0)
      data.notes.push_back(str(bare_.count(), " images have no picture of masks, and were passed over: ", bare_.list()));
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
    for (const auto& [images, masks] : kBeside)
      if (fs::is_directory(f / images) && fs::is_directory(f / masks)) return beside((f / images).string(), (f / masks).string());
    if (!maps_) {
      const std::vector<std::string> folders = folders_in(in);
      if (std::any_of(folders.begin(), folders.end(), [](const fs::path& folder) { return is_one_image(folder); })) {
        for (const std::string& folder : folders) one_a_folder(folder);
        return;
      }
    }
    together(in);
  }

  // F/ID: its one image, and all of its masks.
  void one_a_folder(const fs::path& folder) {
    const auto pictures = [&](const char* name) {
      return fs::is_directory(folder / name) ? pictures_in((folder / name).string(), notes_) : std::vector<std::string>();
    };
    const std::vector<std::string> images = pictures("images"), masks = pictures("masks");
    if (is_one_image(folder)) {
      check(images.size() == 1, (folder / "images").string(), ": expected one image, got ", images.size());
      pairs_.push_back({images[0], masks});
      return;
    }
    for (const std::string& image : images) bare_.add(image);
    for (const std::string& mask : masks) orphans_.add(mask);
  }

  // Images in one folder, masks in another.
  void beside(const std::string& images, const std::string& masks) {
    std::map<std::string, Pair> pairs = by_stem(pictures_in(images, notes_));
    if (!maps_)
      for (const std::string& folder : folders_in(masks)) {
        const auto at = pairs.find(fs::path(folder).filename().string());
        if (at != pairs.end()) at->second.masks = pictures_in(folder, notes_);
      }
    for (const std::string& file : pictures_in(masks, notes_)) {
      const auto at = maps_ ? map_owner(pairs, stem(file)) : owner(pairs, stem(file));
      if (at == pairs.end())
        orphans_.add(file);
      else
        at->second.masks.push_back(file);
    }
    keep(pairs);
  }

  // Images and masks in one folder, told apart by their names.
  void together(const std::string& folder) {
    std::vector<std::string> images, masks;
    for (const std::string& file : pictures_in(folder, notes_)) {
      const std::string name = stem(file);
      const bool mask = maps_ ? std::any_of(kMapEndings.begin(), kMapEndings.end(), [&](const char* e) { return name.ends_with(e); })
                              : !before_mask(name).empty();
      (mask ? masks : images).push_back(file);
    }
    std::map<std::string, Pair> pairs = by_stem(images);
    for (const std::string& file : masks) {
      const auto at = maps_ ? map_owner(pairs, stem(file)) : pairs.find(before_mask(stem(file)));
      if (at == pairs.end())
        orphans_.add(file);
      else
        at->second.masks.push_back(file);
    }
    keep(pairs);
  }

  void keep(std::map<std::string, Pair>& pairs) {
    for (auto& [name, pair] : pairs) {
      if (pair.masks.empty()) {
        bare_.add(pair.image);
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
    ImageOptions options;
    options.marks = true;
    ImageNotes notes;
    const Image marks = read_image(file, options, &notes);
    const int above = notes.lossy ? 127 : 0;
    Bitmap bits(marks.height, marks.width);
    bool hidden = false, coloured = false;
    for (size_t i = 0; i < bits.pixels.size(); ++i) {
      const bool shows = marks.rgb[3 * i + 1] > above, object = shows && marks.rgb[3 * i] > above;
      bits.pixels[i] = object;
      hidden = hidden || !shows, coloured = coloured || object;
    }
    if (hidden && !coloured)
      for (size_t i = 0; i < bits.pixels.size(); ++i) bits.pixels[i] = marks.rgb[3 * i + 1] > above;
    return bits;
  }

  const ConvertOptions& options_;
  bool maps_;
  std::vector<Pair> pairs_;
  std::vector<char> single_;  // of each pair: its map holds one number at most
  FirstThree orphans_, bare_;
  std::vector<std::string> notes_;
};

}  // namespace

const char* mask_layout(const std::string& folder) {
  std::vector<std::string> notes;
  const fs::path f = folder;
  const std::vector<std::string> inside = folders_in(folder);
  for (const auto& [images, masks] : kBeside) {
    if (!fs::is_directory(f / images) || !fs::is_directory(f / masks)) continue;
    std::map<std::string, Pair> pairs;
    for (const std::string& image : pictures_in((f / images).string(), notes)) pairs.emplace(stem(image), Pair{image, {}});
    for (const std::string& one : folders_in((f / masks).string()))
      if (pairs.contains(fs::path(one).filename().string())) return "masks";
    for (const std::string& mask : pictures_in((f / masks).string(), notes)) {
      if (map_owner(pairs, stem(mask)) != pairs.end()) return "instance-maps";
      if (owner(pairs, stem(mask)) != pairs.end()) return "masks";
    }
  }
  return std::any_of(inside.begin(), inside.end(), [](const fs::path& one) { return is_one_image(one); }) ? "masks" : "";
}

NamedData read_masks(const ConvertOptions& options, Faults&) { return MaskFolders(options, false).read(); }

NamedData read_instance_maps(const ConvertOptions& options, Faults&) { return MaskFolders(options, true).read(); }

}  // namespace mr::convert
