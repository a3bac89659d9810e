#include "models/systems/rcnn.h"

#include "models/backbones/resnet_fpn.h"
#include "models/backbones/resnet_map.h"
#include "models/heads/box.h"
#include "models/heads/mask_fcn.h"
#include "models/heads/mask_mlp.h"
#include "models/heads/mask_unet.h"
#include "models/heads/res5.h"
#include "models/proposals/given.h"
#include "models/proposals/rpn.h"
#include "tensor/context.h"

namespace mr {

Traits RCNN::traits() const {
  Traits t;
  t.divisor = parts_.backbone->divisor();
  t.rois = sampler_.most_objects();
  t.norm_epsilon = parts_.backbone->norm_epsilon();
  const Level& finest = parts_.backbone->levels().front();  // of which the proposer makes a map of the same size
  t.values = parts_.backbone->values() + static_cast<double>(parts_.proposer->channels()) / (finest.stride * finest.stride);
  t.given = parts_.proposer->given();
  t.losses = parts_.proposer->names();
  for (const auto& head : parts_.heads) {
    for (std::string& name : head->names()) t.losses.push_back(std::move(name));
    t.masks |= head->masks();
  }
  return t;
}

Features RCNN::features(const DeviceBatch& batch, bool training) const {
  const int divisor = parts_.backbone->divisor();
  check(batch.images.size(1) % divisor == 0 && batch.images.size(2) % divisor == 0, "rcnn: image sides must be multiples of ", divisor,
        ", got ", batch.images.shape());
  return (*parts_.backbone)(Var(batch.images.to(context().precision)), training);
}

Losses RCNN::losses(const DeviceBatch& batch) {
  check(batch.objects.boxes.defined(), "rcnn: a batch to train on needs targets, got none");
  const OnDevice where(parameters_.device());
  const Features f = features(batch, true);
  Proposed proposed = parts_.proposer->train(f, batch);
  const TrainingRoIs rois = sampler_(proposed.boxes, batch);
  Losses losses = std::move(proposed.losses);
  for (const auto& head : parts_.heads)
    for (NamedLoss& l : head->losses(f, rois, batch)) losses.push_back(std::move(l));
  return losses;
}

Proposed RCNN::propose(const DeviceBatch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  return parts_.proposer->predict(features(batch, false), batch);
}

Candidates RCNN::candidates(const DeviceBatch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  const Features f = features(batch, false);
  const BoxList proposals = parts_.proposer->predict(f, batch).boxes;
  for (const auto& head : parts_.heads)
    if (auto found = head->candidates(f, proposals, batch.sizes)) return std::move(*found);
  fail("rcnn: no head finds boxes");
}

void RCNN::describe(const DeviceBatch& batch, Found& found) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  const Features f = features(batch, false);
  for (const auto& head : parts_.heads) head->describe(f, batch.sizes, found);
}

Found RCNN::detect(const DeviceBatch& batch) const {
  const NoGrad guard;
  const OnDevice where(parameters_.device());
  const Features f = features(batch, false);
  Found found;
  found.boxes = parts_.proposer->predict(f, batch).boxes;
  for (const auto& head : parts_.heads) head->predict(f, batch.sizes, found);
  return found;
}

namespace {

// What heads are made from.
struct HeadSite {
  Parameters& parameters;
  const RoIFeatures& features;
  int64_t classes;
  const RCNNConfig& config;
};

// ---- one function a kind of part ----

std::unique_ptr<Backbone> make_part(const ResNetFPNConfig& c, Parameters& p) { return std::make_unique<ResNetFPN>(p, c); }

std::unique_ptr<Backbone> make_part(const ResNetMapConfig& c, Parameters& p) { return std::make_unique<ResNetMap>(p, c); }

std::unique_ptr<Proposer> make_part(const RPNConfig& c, Parameters& p, const std::vector<Level>& levels) {
  return std::make_unique<RPN>(p, "rpn.head.", levels, c);
}

std::unique_ptr<Proposer> make_part(const GivenConfig& c, Parameters&, const std::vector<Level>&) { return std::make_unique<Given>(c); }

std::unique_ptr<Head> make_part(const TwoFCConfig&, const HeadSite& s) {
  return std::make_unique<BoxHead>(s.parameters, "roi_heads.", s.features, s.classes, s.config.box);
}

// With the masks that are made from the same map.
std::unique_ptr<Head> make_part(const Res5Config& c, const HeadSite& s) {
  return std::make_unique<Res5Head>(s.parameters, "roi_heads.", s.features, s.classes, std::get<ResNetMapConfig>(s.config.backbone).resnet,
                                    s.config.box, c, std::get_if<MaskRes5Config>(&s.config.mask));
}

std::unique_ptr<Head> make_part(const NoMaskConfig&, const HeadSite&) { return nullptr; }

std::unique_ptr<Head> make_part(const MaskRes5Config&, const HeadSite&) { return nullptr; }  // the box head's

std::unique_ptr<Head> make_part(const MaskFCNConfig& c, const HeadSite& s) {
  return std::make_unique<MaskFCNHead>(s.parameters, "roi_heads.", s.features, s.classes, c);
}

std::unique_ptr<Head> make_part(const MaskMLPConfig& c, const HeadSite& s) {
  return std::make_unique<MaskMLPHead>(s.parameters, "roi_heads.", s.features, s.classes, c);
}

std::unique_ptr<Head> make_part(const MaskUNetConfig& c, const HeadSite& s) {
  return std::make_unique<MaskUNetHead>(s.parameters, "roi_heads.", s.features, s.classes, c);
}

}  // namespace

std::unique_ptr<RCNN> make_rcnn(const RCNNConfig& config, int64_t classes, std::optional<uint64_t> seed) {
  validate(config);
  auto system = std::make_unique<RCNN>(RoISampler(config.box), [&](Parameters& p) {
    RCNN::Parts parts;
    parts.backbone = std::visit([&](const auto& c) { return make_part(c, p); }, config.backbone);
    const std::vector<Level>& levels = parts.backbone->levels();
    parts.proposer = std::visit([&](const auto& c) { return make_part(c, p, levels); }, config.proposals);
    const RoIFeatures features(levels, config.roi);
    const HeadSite site{p, features, classes, config};
    parts.heads.push_back(std::visit([&](const auto& c) { return make_part(c, site); }, config.box.layers));
    if (auto mask = std::visit([&](const auto& c) { return make_part(c, site); }, config.mask)) parts.heads.push_back(std::move(mask));
    return parts;
  });
  if (seed) system->parameters().pack(*seed);
  return system;
}

}  // namespace mr
