// A fibre: a stack of its own on which a function runs, left and entered again at will. AddressSanitizer is told of every switch.
// A fibre stays on the operating system's thread that first entered it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace mr::gpu::emulated {

class Fibre {
 public:
  // Each enter() that finds it at rest runs `body` once more. `body` throws nothing.
  explicit Fibre(std::function<void()> body);
  ~Fibre();  // must be at rest
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;

  void enter();  // from outside: until `body` leaves or returns; ends the program where the stack has overflowed
  void leave();  // from inside: back to who entered; returns when entered again

  static size_t stack_bytes();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mr::gpu::emulated
