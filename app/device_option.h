// --device, of every subcommand that runs operators. Its callback takes device_of(text).
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "base/check.h"
#include "tensor/device.h"

namespace mr::app {

inline void add_device(CLI::App& command, std::string& text) {
  const auto complaint = [](const std::string& asked) -> std::string {
    try {
      device_of(asked);
      return {};
    } catch (const Error& e) {
      std::string_view what = e.what();
      constexpr std::string_view own = "device: ";  // the option's name stands before it already
      if (what.starts_with(own)) what.remove_prefix(own.size());
      return std::string(what);
    }
  };
  command.add_option("--device", text, "cpu, cuda:N or emulated; default: a GPU where this build and this machine have one")
      ->check(CLI::Validator(complaint, ""));
}

}  // namespace mr::app
