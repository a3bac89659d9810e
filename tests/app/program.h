// Runs the program as a user does.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/files.h"
#include "tests/catch.h"

namespace mr {

struct Result {
  int status = 0;
  std::string out, err;
};

// A folder of the test's own, removed at its end.
inline const std::string& folder() {
  static const struct Folder {
    std::string path = (std::filesystem::temp_directory_path() / ("mrcnn_app_" + std::to_string(getpid()))).string();
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
  } f;
  return f.path;
}

inline Result mrcnn(const std::string& arguments) {
  const std::string err = folder() + "/stderr";
  FILE* pipe = popen((std::string(MRCNN_PROGRAM) + " " + arguments + " 2>" + err).c_str(), "r");
  Result r;
  std::array<char, 4096> buffer;
  for (size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) r.out.append(buffer.data(), n);
  const int status = pclose(pipe);
  r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  r.err = read_text_file(err);
  return r;
}

// A command of the shell that runs beside the test; `{}` in it is the program. What it prints goes to files.
class Started {
 public:
  explicit Started(std::string command) {
    static int counter = 0;
    out_ = folder() + "/started_" + std::to_string(counter++);
    for (size_t at = 0; (at = command.find("{}", at)) != std::string::npos;) command.replace(at, 2, MRCNN_PROGRAM);
    std::fflush(nullptr);
    process_ = fork();
    if (process_ != 0) return;
    for (const int signal : {SIGINT, SIGHUP}) std::signal(signal, SIG_DFL);  // which the tests' own start may have ignored
    if (freopen((out_ + ".out").c_str(), "w", stdout) != nullptr && freopen((out_ + ".err").c_str(), "w", stderr) != nullptr)
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  ~Started() {
    if (process_ <= 0) return;
    kill(SIGKILL);
    end();
  }
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

  pid_t process() const { return process_; }
  void kill(int signal) const { ::kill(process_, signal); }
  // Waits, for a minute at most, until there is such a file and it is not empty.
  bool has_written(const std::string& path) const {
    std::error_code absent;
    for (int i = 0; i < 1200; ++i, usleep(50000))
      if (std::filesystem::file_size(path, absent) > 0 && !absent) return true;
    return false;
  }
  Result end() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text_file(out_ + ".out"), read_text_file(out_ + ".err")};
  }

 private:
  pid_t process_ = -1;
  std::string out_;
};

// Fails in the orderly way: a status that is not 0 and one line.
inline void check_error(const std::string& arguments, const std::string& message) {
  const Result r = mrcnn(arguments);
  INFO(arguments << " said: " << r.err);
  CHECK(r.status > 0);
  CHECK(r.status < 128);
  CHECK(r.err.rfind("mrcnn: ", 0) == 0);
  CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
  CHECK(r.err.find(message) != std::string::npos);
}

}  // namespace mr
