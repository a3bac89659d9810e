// A recipe as a person would have written it: what differs from its base, each choice under the reason for it.
#pragma once

#include <string>
#include <vector>

#include "train/recipe.h"

namespace mr {

// Why some settings are what they are. The reason stands above the first of them; all of them are written, those that agree with the
// base, too.
struct Choice {
  std::vector<std::string> keys;
  std::string why;
};

// TOML: `heading` as comments, the base, and every setting that differs from the base's or is of a choice. It reads back as `recipe`.
std::string recipe_text(const Recipe& recipe, const std::string& base, const std::string& heading, const std::vector<Choice>& choices);

// The choices with the values chosen, for the console.
std::string choices_text(const Recipe& recipe, const std::vector<Choice>& choices);

// The choices that are left where each setting is of its last one alone.
std::vector<Choice> each_setting_once(std::vector<Choice> choices);

}  // namespace mr
