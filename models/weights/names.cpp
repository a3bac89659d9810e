#include "models/weights/names.h"

#include <algorithm>
#include <string_view>

namespace mr {
namespace {

constexpr std::string_view module_prefix = "module.", body_prefix = "backbone.body.";

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

}  // namespace

std::string NameMap::operator()(const std::string& name) const {
  std::string n = strip_module ? name.substr(module_prefix.size()) : name;
  if (n.ends_with(".num_batches_tracked")) return {};
  if (plain_resnet && n.starts_with("fc.")) return {};
  n.insert(0, prefix);
  return modern(n);
}

NameMap recognise_names(const WeightFile& file, const std::string& prefix) {
  NameMap map;
  map.strip_module =
      !file.tensors.empty() && std::ranges::all_of(file.tensors, [](const NamedTensor& t) { return t.name.starts_with(module_prefix); });
  const std::string start = map.strip_module ? std::string(module_prefix) : "";
  map.plain_resnet = file.find(start + "conv1.weight") && file.find(start + "layer1.0.conv1.weight");
  map.prefix = !prefix.empty() ? prefix : map.plain_resnet ? std::string(body_prefix) : "";
  return map;
}

}  // namespace mr
