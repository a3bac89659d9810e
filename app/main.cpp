// mrcnn: trains, evaluates and runs Mask R-CNN.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <new>

#include "app/commands.h"
#include "app/options.h"
#include "app/process.h"
#include "base/text.h"
#include "train/config.h"
#include "train/interrupt.h"

namespace {

// Names of files and texts in them may hold what a terminal would obey.
int complain(std::string message, int status) {
  std::ranges::replace_if(
      message, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; }, '?');
  std::fprintf(stderr, "mrcnn: %s\n", message.c_str());
  return status;
}

// A misspelt subcommand, which the parser would only call missing.
void check_subcommands(CLI::App& program, int argc, char** argv) {
  CLI::App* at = &program;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    std::vector<std::string> names;
    for (const CLI::App* sub : at->get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
    if (names.empty()) return;
    const std::string word = argv[i];
    mr::app::check_usage(std::find(names.begin(), names.end(), word) != names.end(), at == &program ? "" : at->get_name() + ": ",
                         "there is no subcommand ", word, mr::hint(word, names));
    at = at->get_subcommand(word);
  }
}

// Whether whoever read standard output has closed it: the pipe's other end, or the terminal.
bool reader_has_left() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

// A copy of the descriptor is closed: a file system behind a network reports only then what it could not store.
bool output_is_stored() {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) return false;
  const int copy = dup(STDOUT_FILENO);
  return copy < 0 || close(copy) == 0;
}

// The exit status of a command that ended with `status`: what it printed may be its only result, so that a command whose output was
// lost has failed. A reader that left (mrcnn … | head) had all that it wanted, and nothing is said.
int status_of_output(int status) {
  if (output_is_stored()) return status;
  const std::string why = errno != 0 ? std::string(": ") + std::strerror(errno) : "";
  if (reader_has_left()) return status;
  return complain("standard output: what the command printed is lost, or a part of it" + why, status != 0 ? status : 1);
}

int run(int argc, char** argv) {
  CLI::App program(
      "Mask R-CNN: trains, evaluates and predicts, on the CPU or a GPU.\n\n"
      "  mrcnn train scenes_small --out run            the built-in drawn street scenes\n"
      "  mrcnn predict run/best.safetensors a.jpg --out pictures\n",
      "mrcnn");
  program.require_subcommand(1);
  program.set_version_flag("--version", MR_VERSION);
  using namespace mr::app;
  for (const auto add : {add_train, add_eval, add_predict, add_report, add_coco_eval, add_cityscapes_eval, add_weights, add_dataset,
                         add_proposals, add_recipe, add_bench, add_explain})
    add(program);
  try {
    check_subcommands(program, argc, argv);
    program.parse(argc, argv);
    return 0;
  } catch (const Exit& e) {
    return e.status;
  } catch (const CLI::ExtrasError& e) {
    return complain(unexpected_words(program, e) + " (--help tells more)", 2);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return program.exit(e);  // --help, --version
    return complain(std::string(e.what()) + " (--help tells more)", 2);
  } catch (const UsageError& e) {
    return complain(e.what(), 2);
  } catch (const mr::Error& e) {
    return complain(e.what(), 1);
  } catch (const std::filesystem::filesystem_error& e) {
    return complain(e.path1().string() + ": " + e.code().message(), 1);
  } catch (const mr::Interrupted&) {
    return complain("interrupted", 128 + mr::interrupted());
  } catch (const std::bad_alloc&) {
    return complain("out of memory", 1);
  } catch (const std::exception& e) {
    return complain(e.what(), 1);
  }
}

}  // namespace

// What can throw outside the try of run() is the table of options itself.
int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape)
  mr::app::prepare_process(argv);
  return status_of_output(run(argc, argv));
}
