// A device by its name, as a user writes it.
#pragma once

#include <string>

#include "tensor/storage.h"

namespace mr {

// "cpu", "cuda" (the first GPU), "cuda:N" or "emulated"; "": a GPU where this build and this machine have one, else the CPU. A GPU that is
// named is used from here on. Errors: another text; a device that the build lacks (with the preset that has it) or the machine.
Device device_of(const std::string& text);

void synchronize(Device device);  // waits for all that is queued there; errors: those of the work

}  // namespace mr
