// Work of one stream, compute_stream(), that is recorded once and queued as a whole as often as one likes (a CUDA graph).
//
//   const gpu::Graph step([&] { … operators, tensors … });    // the host runs it; the device does nothing yet
//   input.copy_(next);
//   step.launch();                                            // the device does all of it, with what `input` holds now
//
// A recording sees addresses, not values: what changes from launch to launch stands in device memory that lives at least as long as the graph.
// Memory that tensors take while it is recorded stays with the graph, also when they have gone; the results of each launch stand where they stood
// in the recording. Caches that the recording should fill anew each time (Var::derived of weights that it changes) must be empty before it.
//
// Run the body once without a graph first: libraries set themselves up when first called.
//
// Errors: a wait for the device while recording (a free that waits is told of at the next wait), or a copy from or to the host; another stream
// that waits for an event of the recording; a recording within a recording; the errors of `body`.
#pragma once

#include <functional>
#include <memory>

namespace mr::gpu {

class Graph {
 public:
  explicit Graph(const std::function<void()>& body);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch() const;  // queued on compute_stream()

 private:
  struct Recorded;
  std::unique_ptr<Recorded> recorded_;
};

}  // namespace mr::gpu
