// --device, of every subcommand that runs a network.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "app/usage.h"
#include "tensor/device.h"

namespace mr::app {

inline void add_device(CLI::App& command, std::string& text) {
  command.add_option("--device", text, "cpu, cuda:N or emulated; default: a GPU where this build and this machine have one");
}

inline Device chosen_device(const std::string& text) {
  try {
    return device_of(text);
  } catch (const Error& e) {
    throw UsageError(std::string("--") + e.what());
  }
}

}  // namespace mr::app
