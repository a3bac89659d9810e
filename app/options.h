// Options that several commands take, each with one wording.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mr::app {

// --set KEY=VALUE: settings over those of the recipe, one to each --set; `example` is shown in the help.
CLI::Option* add_set(CLI::App& command, std::vector<std::string>& assignments, const std::string& example = "");

// --rename FROM=TO: prefixes of the names of tensors in the weights `of`.
CLI::Option* add_rename(CLI::App& command, std::vector<std::string>& renames, const std::string& of);

// --overwrite: what is written may replace what is there. A command asks check_writable before its work.
CLI::Option* add_overwrite(CLI::App& command, bool& overwrite, const std::string& what);
// Errors: something is at `path`, and `overwrite` is false.
void check_writable(const std::string& path, bool overwrite);

// The error of words that no option and no argument takes, in the order in which they were given.
std::string unexpected_words(const CLI::App& program, const CLI::ExtrasError& error);

}  // namespace mr::app
