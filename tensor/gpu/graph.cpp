#include "tensor/gpu/graph.h"

#include "tensor/gpu/allocator.h"
#include "tensor/gpu/runtime.h"

namespace mr::gpu {

struct Graph::Recorded {
  BlockPool* pool = nullptr;
  void* work = nullptr;
  ~Recorded() {
    if (work) destroy_recorded(work);  // launches under way go on
    if (pool) release_pool(pool);
  }
};

Graph::Graph(const std::function<void()>& body) : recorded_(std::make_unique<Recorded>()) {
  begin_recording(compute_stream());
  recorded_->pool = open_pool();
  try {
    body();
  } catch (...) {
    close_pool();
    discard_recording(compute_stream());
    throw;
  }
  close_pool();
  recorded_->work = end_recording(compute_stream());
}

Graph::~Graph() = default;

void Graph::launch() const { launch_recorded(recorded_->work, compute_stream()); }

}  // namespace mr::gpu
