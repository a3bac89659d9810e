// What a kernel source (*.cu) includes: the built-ins, shared memory, packs, the wrapped instructions, launch. How to write a kernel that
// runs on a GPU and on the emulated device alike: docs/gpu.md.
#pragma once

#include "tensor/gpu/builtins.h"
#include "tensor/gpu/launch.h"
#include "tensor/gpu/pack.h"
#include "tensor/gpu/ptx.h"
#include "tensor/gpu/shared.h"
