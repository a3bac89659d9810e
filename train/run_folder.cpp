#include "train/run_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "base/folders.h"
#include "base/text.h"
#include "train/checkpoint.h"

namespace mr {

bool has_checkpoint(const std::string& folder) {
  const std::string checkpoints = folder + "/checkpoints";
  return is_there(checkpoints) && std::ranges::any_of(names_in(checkpoints), is_checkpoint_name);
}

namespace {

constexpr std::array<std::string_view, 4> own_files = {"recipe.toml", "metrics.jsonl", "best.safetensors", "last.safetensors"};
constexpr const char* lock_name = "/.lock";
constexpr std::string_view saved_name = ".saved";

bool is_own(std::string_view name) { return name == saved_name || std::ranges::find(own_files, name) != own_files.end(); }

// What a run has left in the folder, by name; empty: nothing. A start that ended early leaves folders and a lock, which count for nothing.
std::string trace_of_run(const std::string& folder) {
  for (const std::string_view name : own_files)
    if (is_there(str(folder, "/", name))) return std::string(name);
  return has_checkpoint(folder) ? "checkpoints" : "";
}

// Errors: the run has saved checkpoints, and they are gone. To begin again would write over what it learnt.
void check_checkpoints(const std::string& folder, const std::string& trace) {
  if (has_checkpoint(folder) || (!is_there(str(folder, "/", saved_name)) && is_there(folder + "/checkpoints"))) return;
  const bool best = is_there(folder + "/best.safetensors");
  fail(folder, ": --resume: the run's checkpoints are gone (", trace, " is there); put them back, or train into another --out",
       best ? str(", where --init ", shell_word(folder + "/best.safetensors"), " starts from what it learnt") : std::string());
}

// Before anything is made: a misspelt --out must not become a run that starts from the beginning.
void check_resumable(const std::string& folder) {
  check(is_there(folder), folder, ": --resume: there is no such folder; without --resume a run begins there");
  const std::string trace = trace_of_run(folder);
  if (!trace.empty()) return check_checkpoints(folder, trace);
  if (is_there(folder + lock_name)) return;
  const auto strange = [](const std::string& name) { return name != "checkpoints" && !name.starts_with('.'); };
  const std::vector<std::string> names = names_in(folder);
  const auto other = std::ranges::find_if(names, strange);
  check(other == names.end(), folder, ": --resume: expected a run, got a folder with ", other == names.end() ? "" : *other,
        " and nothing of a run");
}

std::string made(const std::string& path, bool resume) {
  if (resume) check_resumable(path);
  make_folder(path);
  return path + lock_name;
}

}  // namespace

RunFolder::RunFolder(const std::string& path, bool resume, const std::function<void(const std::string&)>& warn)
    : path_(path), is_new_(!is_there(path)), lock_(made(path, resume)) {
  if (!lock_.kept()) {
    warn(path + ": this file system keeps no locks: nothing holds off a second training that writes here");
  } else {
    check(lock_.held(), path, ": another training writes here: ", lock_.holder(), "; choose another --out, or let it end");
  }
  if (!resume) {
    const std::string trace = trace_of_run(path);
    check(trace.empty(), path, ": holds a run already (", trace, "); --resume goes on with it, or choose another --out");
  }
  make_folder(path + "/checkpoints");
  if (!lock_.held()) return;  // somebody may be writing them
  remove_temporaries(path, is_own);
  remove_temporaries(path + "/checkpoints", is_checkpoint_name);
}

// What cannot be looked at or removed stays.
RunFolder::~RunFolder() {
  if (!lock_.held()) return;
  try {
    if (!trace_of_run(path_).empty() || is_there(str(path_, "/", saved_name))) return;
  } catch (const Error&) {
    return;
  }
  std::error_code stays;
  std::filesystem::remove(path_ + "/checkpoints", stays);  // where it is empty
  lock_.remove_file();
  if (is_new_) std::filesystem::remove(path_, stays);
}

// What keeps it from being made does no harm to the run.
void note_saved(const std::string& folder) {
  try {
    const std::string path = str(folder, "/", saved_name);
    if (!is_there(path)) write_text_file(path, "");
  } catch (const FileError&) {}
}

}  // namespace mr
