#include "models/system.h"

#include "ops/loss/weighted_sum.h"
#include "tensor/device.h"

namespace mr {

Var total_loss(const Losses& losses, const Tensor& weights) {
  std::vector<Var> terms;
  for (const NamedLoss& l : losses) terms.push_back(l.value);
  return weighted_sum(terms, weights);
}

std::vector<Detections> read(const Found& found) {
  const std::vector<Tensor> here = to_cpu({found.boxes.count, found.boxes.boxes, found.scores, found.labels, found.masks});
  const Tensor &count = here[0], &boxes = here[1], &scores = here[2], &labels = here[3], &masks = here[4];
  const int64_t room = found.boxes.boxes.on_gpu() ? boxes.size(1) : 0;
  std::vector<Detections> all;
  for (int64_t n = 0; n < count.size(0); ++n) {
    const int64_t D = count.data<int32_t>()[n];
    const auto of_image = [&](const Tensor& t) {  // [N,D,…] → [D,…]
      const Tensor rows = t.slice(n, n + 1);
      return rows.reshape(t.rank() == 2 ? Shape{t.size(1)} : Shape{t.size(1), t.size(2)}).slice(0, D);
    };
    const RowRange rows = rows_of_image(count, room, n);
    all.push_back({of_image(boxes), of_image(scores), of_image(labels), masks.defined() ? masks.slice(rows.begin, rows.end) : Tensor()});
  }
  return all;
}

DeviceBatch to_device(const HostBatch& batch, System& system) { return {batch, system.traits().masks, system.parameters().device()}; }

std::vector<Detections> predict(System& system, const HostBatch& batch) { return read(system.detect(to_device(batch, system))); }

}  // namespace mr
