#include "models/weights/pth.h"

#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "models/weights/json.h"
#include "models/weights/pickle.h"
#include "models/weights/zip.h"

namespace mr {
namespace {

using Kind = Pickle::Kind;

constexpr uint64_t largest_pickle = 32 << 20;
constexpr std::string_view legacy_magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr int deepest_dict = 8;
constexpr size_t most_entries = 1'000'000;
constexpr uint64_t spare_bytes = 64 << 20;  // expanded tensors may be larger than the file, by so much

// The storages of one file. Neighbouring tensors often share one: the last one read is kept.
struct Storages {
  explicit Storages(const std::string& path) : file(path), where("pth: " + path) {}

  std::span<const std::byte> load(size_t i) {
    if (i != loaded) {
      loaded = SIZE_MAX;
      bytes.resize(at[i].bytes);
      read_zip_entry(file, at[i], str(where, ": data/", printable(records[i].key)), bytes);
      loaded = i;
    }
    return bytes;
  }

  InputFile file;
  std::string where;
  std::vector<Pickle::Storage> records;
  std::vector<ZipEntry> at;  // of each; the legacy format has no checksums
  std::vector<std::byte> bytes;
  size_t loaded = SIZE_MAX;
};

// y[i, j, …] = storage[offset + i·s0 + j·s1 + …], last axis fastest.
void gather(const Pickle::Tensor& t, size_t element, std::span<const std::byte> storage, std::span<std::byte> out) {
  if (out.empty()) return;
  size_t axes = t.sizes.size(), run = 1;  // the trailing axes that lie dense are one run
  while (axes > 0 && (t.sizes[axes - 1] == 1 || t.strides[axes - 1] == static_cast<int64_t>(run)))
    run *= static_cast<size_t>(t.sizes[--axes]);
  std::vector<int64_t> index(axes, 0);
  int64_t from = t.offset;
  for (std::byte* to = out.data(); to < out.data() + out.size(); to += run * element) {
    std::memcpy(to, storage.data() + static_cast<size_t>(from) * element, run * element);
    for (size_t a = axes; a-- > 0;) {
      const int64_t stride = t.sizes[a] == 1 ? 0 : t.strides[a];  // of an axis of one it may be anything
      from += stride;
      if (++index[a] < t.sizes[a]) break;
      from -= stride * t.sizes[a];
      index[a] = 0;
    }
  }
}

class StateDict {
 public:
  StateDict(const Pickle& pickle, WeightFile& out, std::shared_ptr<Storages> storages, uint64_t file_bytes)
      : pickle_(pickle), out_(out), storages_(std::move(storages)), room_(4 * file_bytes + spare_bytes) {}

  void collect() {
    const Pickle::Value& root = pickle_[pickle_.root];
    check(root.kind == Kind::dict, storages_->where, ": expected a dict of tensors");
    Pickle::Ref from = pickle_.root;
    for (const char* key : {"model", "state_dict", "model_state_dict"}) {
      const auto inner = dict_under(root, key);
      if (inner) from = *inner;
      if (inner) break;
    }
    add(from, "", 0);
    check(!out_.tensors.empty(), storages_->where, ": expected a dict of tensors, found none in it");
  }

 private:
  std::optional<Pickle::Ref> dict_under(const Pickle::Value& dict, std::string_view key) const {
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (pickle_[dict.items[i]].text == key && pickle_[dict.items[i + 1]].kind == Kind::dict) return dict.items[i + 1];
    return std::nullopt;
  }

  void add(Pickle::Ref dict, const std::string& prefix, int depth) {
    check(depth < deepest_dict, storages_->where, ": dicts nested deeper than ", deepest_dict);
    const std::vector<Pickle::Ref>& items = pickle_[dict].items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      check(++entries_ <= most_entries, storages_->where, ": more than ", most_entries, " entries");
      const Pickle::Value &key = pickle_[items[i]], &value = pickle_[items[i + 1]];
      if (value.kind != Kind::tensor && value.kind != Kind::dict) continue;
      check(key.kind == Kind::text || key.kind == Kind::integer, storages_->where, ": expected the key of a tensor to be a text");
      const std::string name = prefix + (key.kind == Kind::text ? key.text : std::to_string(key.integer));
      check(name.size() <= longest_name, storages_->where, ": a name of more than ", longest_name, " bytes: ", printable(name));
      if (value.kind == Kind::dict)
        add(items[i + 1], name + ".", depth + 1);
      else
        add_tensor(name, pickle_.tensors[static_cast<size_t>(value.integer)]);
    }
  }

  void add_tensor(const std::string& name, const Pickle::Tensor& tensor) {
    check(names_.insert(name).second, storages_->where, ": two tensors are named ", printable(name));
    NamedTensor t;
    t.name = name;
    t.type = storages_->records[tensor.storage].type;
    t.shape = tensor.sizes;
    check(t.bytes() <= room_, storages_->where, ": tensor ", printable(name), " ", shape_text(t.shape),
          " is out of proportion to the file");
    room_ -= t.bytes();
    t.read = [storages = storages_, tensor, element = size_of(t.type)](std::span<std::byte> out) {
      gather(tensor, element, storages->load(tensor.storage), out);
    };
    out_.tensors.push_back(std::move(t));
  }

  static constexpr size_t longest_name = 1000;
  const Pickle& pickle_;
  WeightFile& out_;
  std::shared_ptr<Storages> storages_;
  uint64_t room_;
  size_t entries_ = 0;
  std::set<std::string> names_;
};

uint64_t bytes_of(const Pickle::Storage& s, const std::string& where) {
  const auto bytes = checked_bytes({s.numel}, s.type);
  check(bytes.has_value(), where, ": storage ", printable(s.key), " of ", s.numel, " elements is too large");
  return *bytes;
}

Pickle read_zip(Storages& s) {
  const auto entries = read_zip_directory(s.file, s.where);
  std::string root;
  for (const auto& [name, entry] : entries) {
    if (!name.ends_with("/data.pkl")) continue;
    check(root.empty(), s.where, ": expected one data.pkl, got two");
    root = name.substr(0, name.size() - std::strlen("data.pkl"));
  }
  check(!root.empty(), s.where, ": expected an entry data.pkl: not a file of torch.save");
  check(!entries.contains(root + "constants.pkl"), s.where, ": a TorchScript program, not a file of weights");

  if (const auto order = entries.find(root + "byteorder"); order != entries.end()) {
    check(order->second.bytes == 6 && s.file.read_text(order->second.begin, 6) == "little", s.where, ": byteorder: expected \"little\"");
  }
  const ZipEntry& data = entries.at(root + "data.pkl");
  check(data.bytes <= largest_pickle, s.where, ": data.pkl of ", data.bytes, " bytes, more than ", largest_pickle);
  std::vector<std::byte> bytes(data.bytes);
  read_zip_entry(s.file, data, s.where + ": data.pkl", bytes);
  Pickle pickle = read_pickle(bytes, s.where + ": data.pkl");
  check(pickle.bytes == bytes.size(), s.where, ": data.pkl: ", bytes.size() - pickle.bytes, " bytes follow its end");

  for (const Pickle::Storage& storage : pickle.storages) {
    const auto at = entries.find(root + "data/" + storage.key);
    check(at != entries.end(), s.where, ": expected an entry data/", printable(storage.key));
    const uint64_t expected = bytes_of(storage, s.where);
    check(at->second.bytes == expected, s.where, ": data/", printable(storage.key), ": expected ", expected, " bytes (", storage.numel,
          " of ", storage.type, "), got ", at->second.bytes);
    s.at.push_back(at->second);
  }
  return pickle;
}

Pickle read_legacy(Storages& s) {
  std::vector<std::byte> bytes(std::min(s.file.size(), largest_pickle));
  s.file.read(0, bytes);
  uint64_t at = 0;
  const auto next = [&](const char* part) {
    Pickle p = read_pickle(std::span(bytes).subspan(at), s.where + ": " + part);
    at += p.bytes;
    return p;
  };
  const Pickle magic = next("magic number"), version = next("version"), system = next("sys_info");
  check(magic[magic.root].kind == Kind::text && magic[magic.root].text == legacy_magic, s.where,
        ": not a file of torch.save (its magic number is missing)");
  check(version[version.root].kind == Kind::integer && version[version.root].integer == 1001, s.where, ": version: expected 1001");
  const std::vector<Pickle::Ref>& info = system[system.root].items;
  for (size_t i = 0; i + 1 < info.size(); i += 2)
    if (system[info[i]].text == "little_endian")
      check(system[info[i + 1]].integer == 1, s.where, ": sys_info: expected little_endian to be true");

  Pickle pickle = next("object");
  const Pickle keys = next("storage keys");
  check(keys[keys.root].kind == Kind::list, s.where, ": storage keys: expected a list");
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < pickle.storages.size(); ++i) index[pickle.storages[i].key] = i;
  s.at.resize(pickle.storages.size());
  std::set<std::string> seen;
  for (const Pickle::Ref r : keys[keys.root].items) {
    const std::string& key = keys[r].text;
    const auto known = index.find(key);
    check(known != index.end() && seen.insert(key).second, s.where, ": storage keys: ", printable(key), " is unknown or comes twice");
    const Pickle::Storage& storage = pickle.storages[known->second];
    int64_t numel = 0;
    s.file.read(at, std::as_writable_bytes(std::span(&numel, 1)));
    check(numel == storage.numel, s.where, ": storage ", printable(key), ": expected ", storage.numel, " elements, got ", numel);
    const uint64_t size = bytes_of(storage, s.where);
    at += 8;
    check(size <= s.file.size() - at, s.where, ": storage ", printable(key), ": the file ends within its ", size, " bytes");
    s.at[known->second] = {at, size, 0};
    at += size;
  }
  check(seen.size() == index.size(), s.where, ": storage keys: expected ", index.size(), ", got ", seen.size());
  check(at == s.file.size(), s.where, ": ", s.file.size() - at, " bytes follow the last storage");
  return pickle;
}

}  // namespace

WeightFile read_pth(const std::string& path) {
  const auto storages = std::make_shared<Storages>(path);
  check(storages->file.size() >= 4, storages->where, ": expected a file of torch.save, got ", storages->file.size(), " bytes");
  const bool zip = storages->file.read_text(0, 4) == "PK\x03\x04";
  const Pickle pickle = zip ? read_zip(*storages) : read_legacy(*storages);
  storages->records = pickle.storages;
  WeightFile file;
  file.path = path;
  StateDict(pickle, file, storages, storages->file.size()).collect();
  return file;
}

}  // namespace mr
