// Proposals as Detectron and detectron2 pickle them.
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/files.h"
#include "models/weights/pickle.h"
#include "train/proposal_files.h"

namespace mr {
namespace {

enum class BoxForm : uint8_t { inclusive, corners, sides };

class PickledProposals {
 public:
  PickledProposals(const Pickle& pickle, const std::string& path) : pickle_(pickle), path_(path) {}

  ProposalSet read() const {
    check(pickle_[pickle_.root].kind == Pickle::Kind::dict, path_, ": expected a dict with ids, boxes and scores, got ",
          pickle_.type_name(pickle_.root));
    const BoxForm form = box_form();
    const auto ids = list_of("ids", "indexes"), boxes = list_of("boxes", ""), scores = list_of("scores", "objectness_logits");
    check(ids.size() == boxes.size() && ids.size() == scores.size(), path_, ": expected ids, boxes and scores of as many images, got ",
          ids.size(), ", ", boxes.size(), " and ", scores.size());
    ProposalSet set(path_);
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t id = image_id(ids[i], i);
      const std::string where = str(path_, ": boxes[", i, "] (image ", id, ")");
      const std::vector<float> b = numbers(boxes[i], where, 4), s = numbers(scores[i], str(path_, ": scores[", i, "] (image ", id, ")"), 1);
      check(b.size() == 4 * s.size(), where, ": expected one for each of ", s.size(), " scores, got ", b.size() / 4);
      std::vector<ProposedBox> of_image;
      for (size_t k = 0; k < s.size(); ++k) of_image.push_back({box_of(b.data() + 4 * k, form), s[k]});
      set.add(id, std::move(of_image));
    }
    return set;
  }

 private:
  static Box box_of(const float* v, BoxForm form) {
    const float more = form == BoxForm::inclusive ? 1.0f : 0.0f;
    if (form == BoxForm::sides) return {v[0], v[1], v[0] + v[2], v[1] + v[3]};
    return {v[0], v[1], v[2] + more, v[3] + more};
  }

  // The value of a key of the dict, or of its other name; null where it has neither.
  const Pickle::Value* member(const char* key, const char* other) const {
    const std::vector<Pickle::Ref>& items = pickle_[pickle_.root].items;
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      const Pickle::Value& name = pickle_[items[i]];
      if (name.kind == Pickle::Kind::text && (name.text == key || name.text == other)) return &pickle_[items[i + 1]];
    }
    return nullptr;
  }

  std::vector<Pickle::Ref> list_of(const char* key, const char* other) const {
    const Pickle::Value* list = member(key, other);
    check(list != nullptr && list->kind == Pickle::Kind::list, path_, ": ", key, ": expected a list, got ",
          list == nullptr ? "none" : "something else");
    return list->items;
  }

  // Only detectron2's say what their numbers are.
  BoxForm box_form() const {
    const Pickle::Value* mode = member("bbox_mode", "");
    if (mode == nullptr) return BoxForm::inclusive;
    check(mode->kind == Pickle::Kind::integer && (mode->integer == 0 || mode->integer == 1), path_,
          ": bbox_mode: expected 0 (x1, y1, x2, y2) or 1 (x, y, width, height)");
    return mode->integer == 0 ? BoxForm::corners : BoxForm::sides;
  }

  int64_t image_id(Pickle::Ref r, size_t i) const {
    const Pickle::Value& id = pickle_[r];
    check(id.kind == Pickle::Kind::integer, path_, ": ids[", i, "]: expected a whole number, got ", pickle_.type_name(r));
    return id.integer;
  }

  // An array of rows of `columns` numbers; of one column, also a vector.
  std::vector<float> numbers(Pickle::Ref r, const std::string& where, int64_t columns) const {
    const Pickle::Value& value = pickle_[r];
    check(value.kind == Pickle::Kind::array, where, ": expected an array of numpy, got ", pickle_.type_name(r));
    const Pickle::Array& a = pickle_.arrays[static_cast<size_t>(value.integer)];
    const bool vector = columns == 1 && a.sizes.size() == 1;
    const bool fits = vector || (a.sizes.size() == 2 && (a.sizes[1] == columns || a.sizes[0] == 0));
    check(fits && (a.type == FileType::f32 || a.type == FileType::f64), where, ": expected an array [n",
          columns == 1 ? std::string() : str(",", columns), "] of f32 or f64, got ", shape_text(a.sizes), " ", a.type);
    const std::vector<std::byte> bytes = bytes_of(pickle_[a.bytes]);
    const auto rows = static_cast<size_t>(a.sizes[0]), n = rows * static_cast<size_t>(columns);
    std::vector<float> values(n);
    for (size_t k = 0; k < n; ++k) {
      const size_t row = k / static_cast<size_t>(columns), column = k % static_cast<size_t>(columns);
      const size_t at = a.fortran ? column * rows + row : k;
      values[k] = a.type == FileType::f32 ? at_place<float>(bytes, at) : static_cast<float>(at_place<double>(bytes, at));
    }
    return values;
  }

  template <class T> static T at_place(const std::vector<std::byte>& bytes, size_t i) {
    T v;
    std::memcpy(&v, bytes.data() + i * sizeof v, sizeof v);
    return v;
  }

  const Pickle& pickle_;
  const std::string& path_;
};

}  // namespace

ProposalSet read_pickled_proposals(const std::string& path) {
  const InputFile file(path);
  std::vector<std::byte> bytes(file.size());
  file.read(0, bytes);
  const Pickle pickle = read_pickle(bytes, path);
  return PickledProposals(pickle, path).read();
}

}  // namespace mr
