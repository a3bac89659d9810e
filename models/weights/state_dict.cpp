#include "models/weights/state_dict.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

using Kind = Pickle::Kind;
using Ref = Pickle::Ref;

constexpr int deepest_dict = 8;
constexpr size_t most_entries = 1'000'000, longest_name = 1000;
constexpr uint64_t spare_bytes = 64 << 20;  // expanded tensors may be larger than the file, by so much

// Members that hold a model's weights, the likeliest first; those of averaged models come last.
constexpr const char* parts[] = {"model",  "state_dict", "model_state_dict", "model_state",    "blobs",     "net", "network",
                                 "module", "weights",    "params",           "ema_state_dict", "model_ema", "ema"};

// y[i, j, …] = storage[offset + i·s0 + j·s1 + …], last axis fastest.
void gather(const FileShape& sizes, const FileShape& strides, int64_t offset, size_t element, std::span<const std::byte> storage,
            std::span<std::byte> out) {
  if (out.empty()) return;
  size_t axes = sizes.size(), run = 1;  // the trailing axes that lie dense are one run
  while (axes > 0 && (sizes[axes - 1] == 1 || strides[axes - 1] == static_cast<int64_t>(run))) run *= static_cast<size_t>(sizes[--axes]);
  std::vector<int64_t> index(axes, 0);
  int64_t from = offset;
  for (std::byte* to = out.data(); to < out.data() + out.size(); to += run * element) {
    std::memcpy(to, storage.data() + static_cast<size_t>(from) * element, run * element);
    for (size_t a = axes; a-- > 0;) {
      const int64_t stride = sizes[a] == 1 ? 0 : strides[a];  // of an axis of one it may be anything
      from += stride;
      if (++index[a] < sizes[a]) break;
      from -= stride * sizes[a];
      index[a] = 0;
    }
  }
}

// Strides in elements of an array whose first axis is the fastest.
FileShape fortran_strides(const FileShape& sizes) {
  FileShape strides;
  int64_t stride = 1;
  for (const int64_t s : sizes) {
    strides.push_back(stride);
    stride *= std::max<int64_t>(s, 1);
  }
  return strides;
}

class StateDict {
 public:
  StateDict(const Pickle& pickle, const std::string& where, uint64_t file_bytes, const TensorBytes& bytes, WeightFile& file)
      : pickle_(pickle), where_(where), bytes_(bytes), file_(file), room_(4 * file_bytes + spare_bytes) {}

  void collect() {
    const Pickle::Value& root = pickle_[pickle_.root];
    if (root.kind != Kind::dict || is_optimiser(pickle_.root)) refuse();
    const std::optional<std::string> part = choose();
    if (part) {
      add(*member(root, *part), "", 0);
    } else {
      add(pickle_.root, "", 0);
    }
    if (file_.tensors.empty()) refuse();
  }

 private:
  std::optional<Ref> member(const Pickle::Value& dict, std::string_view key) const {
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (pickle_[dict.items[i]].kind == Kind::text && pickle_[dict.items[i]].text == key) return dict.items[i + 1];
    return std::nullopt;
  }

  // Chooses the part that is read, and notes the others that hold weights, too.
  std::optional<std::string> choose() {
    const Pickle::Value& root = pickle_[pickle_.root];
    std::optional<std::string> chosen;
    std::string others;
    for (const char* key : parts) {
      const auto part = member(root, key);
      if (!part || !holds_tensors(*part, 0)) continue;
      if (chosen)
        others += (others.empty() ? "" : ", ") + std::string(key);
      else
        chosen = key;
    }
    if (!others.empty()) file_.notes.push_back("of the file's parts, " + *chosen + " is read, and not " + others);
    return chosen;
  }

  static bool is_tensor(Kind k) { return k == Kind::tensor || k == Kind::array || k == Kind::unreadable; }

  bool holds_tensors(Ref r, int depth) {
    if (pickle_[r].kind != Kind::dict || depth >= deepest_dict || is_optimiser(r)) return false;
    const std::vector<Ref>& items = pickle_[r].items;
    for (size_t i = 1; i < items.size(); i += 2) {
      if (++looked_at_ > most_entries) return false;
      if (is_tensor(pickle_[items[i]].kind) || holds_tensors(items[i], depth + 1)) return true;
    }
    return false;
  }

  // {"state": {…}, "param_groups": […]}: momentum and its like.
  bool is_optimiser(Ref r) const {
    const Pickle::Value& v = pickle_[r];
    return v.kind == Kind::dict && v.items.size() < 20 && member(v, "state") && member(v, "param_groups");
  }
  // An object whose state is that of torch.nn.Module.
  bool is_module(Ref r) const {
    const Pickle::Value& v = pickle_[r];
    if (v.kind != Kind::object || v.items.empty() || pickle_[v.items[0]].kind != Kind::dict) return false;
    constexpr size_t most_members = 1000;  // of a module; a file may name one large dict a million times
    if (pickle_[v.items[0]].items.size() > 2 * most_members) return false;
    return member(pickle_[v.items[0]], "_modules").has_value();
  }

  void add(Ref dict, const std::string& prefix, int depth) {
    check(depth < deepest_dict, where_, ": dicts nested deeper than ", deepest_dict);
    const std::vector<Ref>& items = pickle_[dict].items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      check(++entries_ <= most_entries, where_, ": more than ", most_entries, " entries");
      const Pickle::Value &key = pickle_[items[i]], &value = pickle_[items[i + 1]];
      if ((!is_tensor(value.kind) && value.kind != Kind::dict) || is_optimiser(items[i + 1])) continue;
      check(key.kind == Kind::text || key.kind == Kind::integer, where_, ": expected the key of a tensor to be a text");
      check(key.text.size() <= longest_name, where_, ": a name of more than ", longest_name, " bytes: ", printable(key.text));
      const std::string name = prefix + (key.kind == Kind::text ? utf8_of(key) : std::to_string(key.integer));
      check(name.size() <= longest_name, where_, ": a name of more than ", longest_name, " bytes: ", printable(name));
      if (value.kind == Kind::dict)
        add(items[i + 1], name + ".", depth + 1);
      else
        add_tensor(name, items[i + 1]);
    }
  }

  void add_tensor(const std::string& name, Ref ref) {
    const Pickle::Value& value = pickle_[ref];
    check(value.kind != Kind::unreadable, where_, ": ", printable(name), ": ", pickle_.type_name(ref),
          " is not read: convert it to a plain tensor of floating numbers, and save it with torch.save");
    check(names_.insert(name).second, where_, ": two tensors are named ", printable(name));
    const auto index = static_cast<size_t>(value.integer);
    NamedTensor t;
    t.name = name;
    const bool array = value.kind == Kind::array;
    t.type = array ? pickle_.arrays[index].type : pickle_.tensors[index].type;
    t.shape = array ? pickle_.arrays[index].sizes : pickle_.tensors[index].sizes;
    check(t.bytes() <= room_, where_, ": tensor ", printable(name), " ", shape_text(t.shape), " is out of proportion to the file");
    room_ -= t.bytes();
    if (array && !pickle_.arrays[index].fortran) {
      t.read = [bytes = bytes_, value](std::span<std::byte> out) {
        const auto from = bytes(value);
        if (!out.empty()) std::memcpy(out.data(), from.data(), out.size());
      };
    } else {
      const FileShape strides = array ? fortran_strides(t.shape) : pickle_.tensors[index].strides;
      const int64_t offset = array ? 0 : pickle_.tensors[index].offset;
      t.read = [bytes = bytes_, value, sizes = t.shape, strides, offset, element = size_of(t.type)](std::span<std::byte> out) {
        gather(sizes, strides, offset, element, bytes(value), out);
      };
    }
    file_.tensors.push_back(std::move(t));
  }

  // Says what the object is instead of weights.
  [[noreturn]] void refuse() const {
    const Pickle::Value& root = pickle_[pickle_.root];
    const auto whole = [this](Ref r) {
      const std::string type = pickle_.type_name(r);
      const bool yolo = type.find("yolo") != std::string::npos || type.find("ultralytics") != std::string::npos;
      fail(where_, ": a whole pickled module, of the class ", type, yolo ? " (a YOLO network, of another architecture than these)" : "",
           ": load it with Python and save its weights alone, torch.save(model.state_dict(), FILE)");
    };
    if (is_module(pickle_.root)) whole(pickle_.root);
    std::string optimiser, members;
    for (size_t i = 0; root.kind == Kind::dict && i + 1 < root.items.size(); i += 2) {
      const Ref value = root.items[i + 1];
      if (is_module(value)) whole(value);
      const Pickle::Value& key = pickle_[root.items[i]];
      const std::string name = key.kind == Kind::text ? printable(utf8_of(key).substr(0, 60)) : "?";
      if (is_optimiser(value)) optimiser = name;
      if (i < 16) members += (i ? ", " : "") + name + " (" + pickle_.type_name(value) + ")";
      if (i == 16) members += ", …";
    }
    check(!is_optimiser(pickle_.root), where_, ": the state of an optimiser, without weights: save model.state_dict() instead");
    check(optimiser.empty(), where_, ": holds the state of an optimiser (", optimiser,
          ") and no weights: save model.state_dict() beside it");
    check(root.kind == Kind::dict, where_, ": expected a dict of tensors, as model.state_dict() gives it, got a value of the type ",
          pickle_.type_name(pickle_.root));
    fail(where_, ": expected a dict of tensors, as model.state_dict() gives it, found none in it; ",
         members.empty() ? "it is empty" : "it holds " + members);
  }

  const Pickle& pickle_;
  const std::string& where_;
  const TensorBytes& bytes_;
  WeightFile& file_;
  uint64_t room_;
  size_t entries_ = 0, looked_at_ = 0;
  std::set<std::string> names_;
};

}  // namespace

void collect_tensors(const Pickle& pickle, const std::string& where, uint64_t file_bytes, const TensorBytes& bytes, WeightFile& file) {
  StateDict(pickle, where, file_bytes, bytes, file).collect();
}

}  // namespace mr
