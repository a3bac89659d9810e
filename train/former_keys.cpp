#include "train/former_keys.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.h"

namespace mr {
namespace {

constexpr const char *mask_enabled = "model.mask.enabled", *mask_kind = "model.mask.kind", *rpn_sparse = "model.rpn.sparse";

constexpr std::array<std::pair<std::string_view, std::string_view>, 2> groups = {
    {{"model.fpn.", "model.backbone.fpn."}, {"model.rpn.", "model.proposals."}}};

// What a recipe could say of masks that it had switched off.
constexpr std::array<std::string_view, 6> of_masks = {"model.mask.size",           "model.mask.convs",        "model.mask.width",
                                                      "model.mask.class_agnostic", "model.mask.soft_targets", "losses.mask"};

bool switched_on(const Setting& s) {
  const Scalar* one = std::get_if<Scalar>(&s.value);
  const bool* on = one != nullptr ? std::get_if<bool>(one) : nullptr;
  check(on != nullptr, s.where, ": ", s.key, ": expects true or false; today it is ", mask_kind, " = \"fcn\" or \"none\"");
  return *on;
}

// The last of all layers decided, and what the others said of the masks stayed.
std::string take_mask_switch(std::vector<Setting>& settings) {
  const auto is_switch = [](const Setting& s) { return s.key == mask_enabled; };
  const auto last = std::find_if(settings.rbegin(), settings.rend(), is_switch);
  if (last == settings.rend()) return {};
  const bool on = switched_on(*last);
  const std::string kind = on ? "fcn" : "none";
  std::string word = str(last->where, ": ", mask_enabled, " is now ", mask_kind, " = \"", kind, "\"");
  last->key = mask_kind;
  last->value = Scalar(kind);
  last->raw = kind;
  if (!on) {
    const auto until = std::find_if(last.base(), settings.end(), [](const Setting& s) { return s.key == mask_kind; });
    settings.erase(
        std::remove_if(settings.begin(), until, [](const Setting& s) { return std::ranges::find(of_masks, s.key) != of_masks.end(); }),
        until);
  }
  std::erase_if(settings, is_switch);
  return word;
}

std::string leave_out_sparse(std::vector<Setting>& settings) {
  const auto is_sparse = [](const Setting& s) { return s.key == rpn_sparse; };
  const auto first = std::ranges::find_if(settings, is_sparse);
  if (first == settings.end()) return {};
  std::string word = str(first->where, ": ", rpn_sparse, " is no more: both of its values gave the same gradients");
  std::erase_if(settings, is_sparse);
  return word;
}

std::string rename_group(std::vector<Setting>& settings, std::string_view from, std::string_view to) {
  std::string word;
  int64_t more = 0;
  for (Setting& s : settings) {
    if (!s.key.starts_with(from)) continue;
    const std::string now = str(to, std::string_view(s.key).substr(from.size()));
    if (word.empty())
      word = str(s.where, ": ", s.key, " is now ", now);
    else
      ++more;
    s.key = now;
  }
  return more == 0 ? word : str(word, ", and ", more, " more of ", from, "… are called so");
}

}  // namespace

void take_former_keys(std::vector<Setting>& settings, std::vector<std::string>* words) {
  std::vector<std::string> said = {take_mask_switch(settings), leave_out_sparse(settings)};
  for (const auto& [from, to] : groups) said.push_back(rename_group(settings, from, to));
  std::erase_if(said, [](const std::string& word) { return word.empty(); });
  if (words != nullptr)
    for (const std::string& word : said) words->push_back(str(word, " (read as that; mrcnn recipe show prints a recipe as it is today)"));
}

}  // namespace mr
