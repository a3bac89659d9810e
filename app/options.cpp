#include "app/options.h"

#include <algorithm>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"

namespace mr::app {
namespace {

// An option that takes one value each time it is given. The parser would take all words that follow, the files of `predict` too.
CLI::Option* add_repeated(CLI::App& command, const std::string& name, std::vector<std::string>& values, const std::string& about,
                          const std::string& type) {
  return command.add_option(name, values, about)->type_name(type)->expected(1)->take_all()->allow_extra_args(false);
}

// The subcommand that was reached, from its first word on.
const CLI::App& reached(const CLI::App& program) {
  const CLI::App* at = &program;
  for (auto below = at->get_subcommands(); !below.empty(); below = at->get_subcommands()) at = below.front();
  return *at;
}

}  // namespace

CLI::Option* add_set(CLI::App& command, std::vector<std::string>& assignments, const std::string& example) {
  const std::string shown = example.empty() ? "" : str(": --set ", example);
  return add_repeated(command, "--set", assignments, str("a setting over those of the recipe; may be given several times", shown),
                      "KEY=VALUE");
}

CLI::Option* add_rename(CLI::App& command, std::vector<std::string>& renames, const std::string& of) {
  return add_repeated(command, "--rename", renames, str("a prefix of names in ", of, " and what it becomes; may be given several times"),
                      "FROM=TO");
}

CLI::Option* add_overwrite(CLI::App& command, bool& overwrite, const std::string& what) {
  return command.add_flag("--overwrite", overwrite, "replace " + what);
}

void check_writable(const std::string& path, bool overwrite) {
  if (!overwrite) check_absent(path, "choose another name, or replace it with --overwrite");
}

std::string unexpected_words(const CLI::App& program, const CLI::ExtrasError& error) {
  const CLI::App& command = reached(program);
  const std::vector<std::string> words = program.remaining(true);  // the error itself lists them backwards
  if (words.empty()) return error.what();
  std::string list;
  for (const std::string& word : words) list += str(list.empty() ? "" : " ", printable(word));
  const CLI::Option* set = command.get_option_no_throw("--set");
  const auto assignment = std::find_if(words.begin(), words.end(),
                                       [](const std::string& word) { return word.front() != '-' && word.find('=') != std::string::npos; });
  const std::string one_each =
      set != nullptr && set->count() > 0 && assignment != words.end() ? str("; --set takes one setting: --set ", *assignment) : "";
  return str(words.size() > 1 ? "these words were not expected: " : "this word was not expected: ", list, one_each);
}

}  // namespace mr::app
