// Runs the program as a user does.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
