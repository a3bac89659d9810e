#include "models/weights/names.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "base/text.h"
#include "models/weights/detectron.h"
#include "models/weights/load.h"

namespace mr {
namespace {

// What programs put before the names of a model that they hold. The texts of `inside` also stand in
// the middle of a name, where a program has put a single layer into a wrapper.
constexpr std::string_view wrappers[] = {"module.",         "model.", "_orig_mod.", "ema.", "ema_model.", "_fsdp_wrapped_module.",
                                         "_forward_module."};
constexpr std::string_view inside[] = {"._orig_mod.", "._fsdp_wrapped_module.", "._checkpoint_wrapped_module."};
constexpr std::string_view body_prefix = "backbone.body.";

// "<before><digits><after>" with `after` weight or bias → the digits; empty otherwise.
std::string_view digits_between(std::string_view name, std::string_view before) {
  if (!name.starts_with(before)) return {};
  const std::string_view rest = name.substr(before.size());
  const size_t end = rest.find_first_not_of("0123456789");
  if (end == 0 || end == std::string_view::npos || (rest.substr(end) != ".weight" && rest.substr(end) != ".bias")) return {};
  return rest.substr(0, end);
}

// torchvision's forms before 0.14 (FPN, RPN) and 0.12 (mask head), in today's words.
std::string modern(const std::string& name) {
  const std::string_view last = std::string_view(name).substr(std::min(name.size(), name.rfind('.')));
  for (const char* blocks : {"backbone.fpn.inner_blocks.", "backbone.fpn.layer_blocks."})
    if (const auto i = digits_between(name, blocks); !i.empty()) return blocks + std::string(i) + ".0" + std::string(last);
  if (name == "rpn.head.conv.weight" || name == "rpn.head.conv.bias") return "rpn.head.conv.0.0" + std::string(last);
  constexpr std::string_view mask_fcn = "roi_heads.mask_head.mask_fcn";
  if (const auto i = digits_between(name, mask_fcn); i.size() == 1 && i != "0")
    return "roi_heads.mask_head." + std::to_string(i[0] - '1') + ".0" + std::string(last);
  return name;
}

using Names = std::set<std::string, std::less<>>;

// Takes the wrappers off c.tensor.name, as long as the model has no parameter of the name as it is.
void unwrap(Candidate& c, const Names& of_model) {
  std::string& name = c.tensor.name;
  for (const std::string_view part : inside)
    for (size_t at = name.find(part); at != std::string::npos; at = name.find(part)) name.erase(at, part.size() - 1);
  for (bool more = true; more && !of_model.contains(name);) {
    more = false;
    for (const std::string_view w : wrappers) {
      if (!name.starts_with(w)) continue;
      c.wrapper += w;
      name.erase(0, w.size());
      more = true;
    }
  }
}

// Bookkeeping of training, and statistics of the input that the recipe states.
bool of_no_use(std::string_view name) {
  return name == "n_averaged" || name.ends_with(".num_batches_tracked") || name == "pixel_mean" || name == "pixel_std" ||
         name.find("anchor_generator.cell_anchors") != std::string_view::npos || name == "initted" || name == "step";
}

// A classifier's ResNet for a detector: its names get a prefix, and its last layer is of no use. For a
// classifier a detector's ResNet loses that prefix.
void name_trunk(std::vector<Candidate>& candidates, const Names& of_model) {
  if (of_model.contains("conv1.weight")) {
    for (Candidate& c : candidates)
      if (c.tensor.name.starts_with(body_prefix)) c.tensor.name.erase(0, body_prefix.size());
    return;
  }
  Names names;
  for (const Candidate& c : candidates) names.insert(c.tensor.name);
  if (!names.contains("conv1.weight") || !names.contains("layer1.0.conv1.weight")) return;
  for (Candidate& c : candidates) {
    if (c.tensor.name.empty()) continue;
    if (c.tensor.name.starts_with("fc."))
      c.tensor.name.clear();
    else
      c.tensor.name.insert(0, body_prefix);
  }
}

}  // namespace

Rename parse_rename(const std::string& text) {
  const size_t at = text.find('=');
  check(at != std::string::npos, "--rename ", text, ": expected FROM=TO, two prefixes of names");
  return {text.substr(0, at), text.substr(at + 1)};
}

NamedTensors name_tensors(const WeightFile& file, const std::vector<Rename>& renames, const Parameters& parameters, double norm_epsilon) {
  Names of_model;
  for (const Parameter& p : parameters.all()) of_model.insert(p.name);
  std::vector<size_t> used(renames.size());
  NamedTensors out;
  for (const NamedTensor& t : file.tensors) {
    Candidate c{t, t.name, {}, false};
    for (size_t i = 0; i < renames.size() && !c.renamed; ++i) {
      if (!t.name.starts_with(renames[i].from)) continue;
      c.tensor.name.replace(0, renames[i].from.size(), renames[i].to);
      c.renamed = true;
      ++used[i];
    }
    unwrap(c, of_model);
    if (of_no_use(c.tensor.name)) c.tensor.name.clear();
    out.candidates.push_back(std::move(c));
  }
  for (size_t i = 0; i < renames.size() && !file.tensors.empty(); ++i)
    check(used[i] > 0, "--rename ", renames[i].from, "=", renames[i].to, ": no tensor of ", file.path, " has a name that begins with ",
          renames[i].from, " (the first is ", printable(file.tensors[0].name), ")");
  out.naming = translate_detectron(out.candidates, parameters, norm_epsilon);
  name_trunk(out.candidates, of_model);
  for (Candidate& c : out.candidates) c.tensor.name = modern(c.tensor.name);
  return out;
}

std::string suggest_rename(const std::vector<NamedTensor>& tensors, const Parameters& parameters) {
  // The parameters by the ends of their names: "layer1.0.conv1.weight" is one of backbone.body.layer1.0.conv1.weight.
  std::unordered_map<std::string_view, std::vector<const Parameter*>> by_end;
  for (const Parameter& p : parameters.all())
    for (size_t at = 0; at != std::string::npos; at = p.name.find('.', at + 1)) {
      const std::string_view end = std::string_view(p.name).substr(at == 0 ? 0 : at + 1);
      if (end.find('.') != std::string_view::npos) by_end[end].push_back(&p);
    }
  std::map<std::pair<std::string, std::string>, int> votes;
  constexpr size_t most_names = 5000, most_alike = 8;
  for (size_t i = 0; i < std::min(tensors.size(), most_names); ++i) {
    const std::string_view name = tensors[i].name;
    for (size_t at = 0; at != std::string_view::npos; at = name.find('.', at + 1)) {  // the longest end first
      const size_t begin = at == 0 ? 0 : at + 1;
      const auto found = by_end.find(name.substr(begin));
      if (found == by_end.end()) continue;
      if (found->second.size() <= most_alike)
        for (const Parameter* p : found->second)
          if (file_shape(*p) == tensors[i].shape)
            ++votes[{std::string(name.substr(0, begin)), p->name.substr(0, p->name.size() - (name.size() - begin))}];
      break;
    }
  }
  const auto best = std::ranges::max_element(votes, {}, [](const auto& v) { return v.second; });
  if (best == votes.end() || best->second < 3 || best->first.first == best->first.second) return {};
  return str("--rename ", best->first.first, "=", best->first.second, " would make ", best->second, " of them the model's");
}

}  // namespace mr
