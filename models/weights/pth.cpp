#include "models/weights/pth.h"

#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "models/weights/mistaken.h"
#include "models/weights/pickle.h"
#include "models/weights/state_dict.h"
#include "models/weights/zip.h"

namespace mr {
namespace {

using Kind = Pickle::Kind;

constexpr uint64_t largest_pickle = uint64_t{1} << 31;       // of an object: it may hold arrays
constexpr uint64_t largest_legacy_head = uint64_t{1} << 26;  // of what stands before the storages of the legacy format
constexpr std::string_view legacy_magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

// A file and the object in it. Neighbouring tensors often share a storage: the one read last is kept.
struct Source {
  explicit Source(const std::string& path) : file(path), where("pth: " + path) {}

  std::span<const std::byte> values_of(const Pickle::Value& tensor) {
    const auto index = static_cast<size_t>(tensor.integer);
    const bool array = tensor.kind == Kind::array;
    const size_t storage = array ? SIZE_MAX : pickle.tensors[index].storage;
    if (loaded && !array && *loaded == storage) return values;
    loaded.reset();
    if (array) {
      const Pickle::Value& text = pickle[pickle.arrays[index].bytes];
      values = bytes_of(text);
      check(values.size() == count_bytes(text), where, ": an array holds what are no bytes");
    } else {
      values.resize(at[storage].bytes);
      read_zip_entry(file, at[storage], str(where, ": data/", printable(pickle.storages[storage].key)), values);
      loaded = storage;
    }
    return values;
  }

  InputFile file;
  std::string where;
  std::vector<std::byte> head;  // holds the pickle
  Pickle pickle;
  std::vector<ZipEntry> at;  // of each storage; the legacy format has no checksums
  std::vector<std::byte> values;
  std::optional<size_t> loaded;
};

uint64_t bytes_of(const Pickle::Storage& s, const std::string& where) {
  const auto bytes = checked_bytes({s.numel}, s.type);
  check(bytes.has_value(), where, ": storage ", printable(s.key), " of ", s.numel, " elements is too large");
  return *bytes;
}

void read_zip(Source& s) {
  const auto entries = read_zip_directory(s.file, s.where);
  refuse_mistaken_archive(s.where, entries);
  std::string root;
  for (const auto& [name, entry] : entries) {
    if (!name.ends_with("/data.pkl")) continue;
    check(root.empty(), s.where, ": expected one data.pkl, got two");
    root = name.substr(0, name.size() - std::strlen("data.pkl"));
  }
  if (const auto order = entries.find(root + "byteorder"); order != entries.end()) {
    check_stored(order->second, order->first, s.where);
    check(order->second.bytes == 6 && s.file.read_text(order->second.begin, 6) == "little", s.where, ": byteorder: expected \"little\"");
  }
  const ZipEntry& data = entries.at(root + "data.pkl");
  check_stored(data, root + "data.pkl", s.where);
  check(data.bytes <= largest_pickle, s.where, ": data.pkl of ", data.bytes, " bytes, more than ", largest_pickle);
  s.head.resize(data.bytes);
  read_zip_entry(s.file, data, s.where + ": data.pkl", s.head);
  s.pickle = read_pickle(s.head, s.where + ": data.pkl");
  check(s.pickle.bytes == s.head.size(), s.where, ": data.pkl: ", s.head.size() - s.pickle.bytes, " bytes follow its end");

  for (const Pickle::Storage& storage : s.pickle.storages) {
    const auto at = entries.find(root + "data/" + storage.key);
    check(at != entries.end(), s.where, ": expected an entry data/", printable(storage.key));
    check_stored(at->second, at->first, s.where);
    const uint64_t expected = bytes_of(storage, s.where);
    check(at->second.bytes == expected, s.where, ": data/", printable(storage.key), ": expected ", expected, " bytes (", storage.numel,
          " of ", storage.type, "), got ", at->second.bytes);
    s.at.push_back(at->second);
  }
}

// Where the storages of a legacy file lie: [KEY, …], then their values in that order, from `at` on.
void locate_legacy_storages(Source& s, const Pickle& keys, uint64_t at) {
  check(keys[keys.root].kind == Kind::list, s.where, ": storage keys: expected a list");
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < s.pickle.storages.size(); ++i) index[s.pickle.storages[i].key] = i;
  s.at.resize(s.pickle.storages.size());
  std::set<std::string> seen;
  for (const Pickle::Ref r : keys[keys.root].items) {
    const std::string key = utf8_of(keys[r]);
    const auto known = index.find(key);
    check(known != index.end() && seen.insert(key).second, s.where, ": storage keys: ", printable(key), " is unknown or comes twice");
    const Pickle::Storage& storage = s.pickle.storages[known->second];
    int64_t numel = 0;
    s.file.read(at, std::as_writable_bytes(std::span(&numel, 1)));
    check(numel == storage.numel, s.where, ": storage ", printable(key), ": expected ", storage.numel, " elements, got ", numel);
    const uint64_t size = bytes_of(storage, s.where);
    at += 8;
    check(size <= s.file.size() - at, s.where, ": storage ", printable(key), ": the file ends within its ", size,
          " bytes (is it cut short?)");
    s.at[known->second] = {.begin = at, .stored = size, .bytes = size};
    at += size;
  }
  check(seen.size() == index.size(), s.where, ": storage keys: expected ", index.size(), ", got ", seen.size());
  check(at == s.file.size(), s.where, ": ", s.file.size() - at, " bytes follow the last storage");
}

// The legacy stream, which begins with its magic number, or one pickle alone.
void read_stream(Source& s) {
  s.head.resize(std::min(s.file.size(), largest_legacy_head));
  s.file.read(0, s.head);
  uint64_t at = 0;
  const auto next = [&](const char* part) {
    Pickle p = read_pickle(std::span(s.head).subspan(at), s.where + ": " + part);
    at += p.bytes;
    return p;
  };
  const std::string_view start(reinterpret_cast<const char*>(s.head.data()), std::min<size_t>(s.head.size(), 16));
  if (start.find("\x8a\x0a") == std::string_view::npos) {  // a number of ten bytes
    check(s.file.size() <= largest_pickle, s.where, ": a pickle of ", s.file.size(), " bytes, more than ", largest_pickle);
    const size_t read = s.head.size();
    s.head.resize(s.file.size());
    s.file.read(read, std::span(s.head).subspan(read));
    s.pickle = next("pickle");
    check(at == s.file.size(), s.where, ": ", s.file.size() - at, " bytes follow the pickle");
    check(s.pickle.storages.empty(), s.where, ": a pickle whose tensors lie outside it: write it with torch.save");
    return;
  }
  const Pickle magic = next("magic number"), version = next("version"), system = next("sys_info");
  check(magic[magic.root].kind == Kind::text && magic[magic.root].text == legacy_magic, s.where,
        ": not a file of torch.save (its magic number is missing)");
  check(version[version.root].kind == Kind::integer && version[version.root].integer == 1001, s.where, ": version: expected 1001");
  const std::vector<Pickle::Ref>& info = system[system.root].items;
  for (size_t i = 0; i + 1 < info.size(); i += 2)
    if (system[info[i]].text == "little_endian")
      check(system[info[i + 1]].integer == 1, s.where, ": sys_info: expected little_endian to be true");
  s.pickle = next("object");
  const Pickle keys = next("storage keys");
  locate_legacy_storages(s, keys, at);
}

}  // namespace

WeightFile read_pth(const std::string& path) {
  const auto source = std::make_shared<Source>(path);
  check(source->file.size() >= 4, source->where, ": expected a file of torch.save, got ", source->file.size(), " bytes");
  const bool zip = source->file.read_text(0, 2) == "PK";
  if (zip)
    read_zip(*source);
  else
    read_stream(*source);
  WeightFile file;
  file.path = path;
  const TensorBytes bytes = [source](const Pickle::Value& tensor) { return source->values_of(tensor); };
  collect_tensors(source->pickle, source->where, source->file.size(), bytes, file);
  return file;
}

}  // namespace mr
