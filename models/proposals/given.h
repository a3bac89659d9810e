// Proposals that come with the images: Fast R-CNN (Girshick 2015), whose boxes were Selective Search's, and the
// second of two networks that are trained one after the other (Ren et al. 2015, section 3.2).
//
// They are constants of the data, so that heads, losses and RoI operators can be compared on
// the same boxes, as the paper's ablations do.
#pragma once

#include "models/config.h"
#include "models/proposals/proposer.h"

namespace mr {

class Given : public Proposer {
 public:
  explicit Given(const GivenConfig& config) : config_(config) {}

  std::vector<std::string> names() const override { return names_of(GivenConfig::losses()); }
  GivenBoxes given() const override { return {config_.most_train, config_.most_test}; }
  // Errors: a batch without proposals.
  Proposed train(const Features& f, const DeviceBatch& batch) const override { return predict(f, batch); }
  Proposed predict(const Features& f, const DeviceBatch& batch) const override;

 private:
  GivenConfig config_;
};

}  // namespace mr
