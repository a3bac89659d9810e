// Files of proposals.
//
//   ours       safetensors (models/weights/safetensors.h), metadata format = "mrcnn.proposals"; of N images, R boxes in all:
//                image_id [N] I64           in the annotations
//                size     [N,2] I32         height and width of each image
//                count    [N] I64           its boxes, which lie together, image after image
//                boxes    [R,4] F32         x1, y1, x2, y2 in continuous pixels of the image
//                scores   [R] F32
//              and in the metadata their hash, and what they come from (`from`).
//   COCO's     a result file, [{"image_id", "bbox": [x, y, w, h], "score"}, …]; other members, the category too, are passed over
//   pickles    {"ids": […], "boxes": [array [n,4], …], "scores": [array [n], …]}; read without running anything (models/weights/pickle.h)
//                Detectron's    "scores"; x2 and y2 are the last pixel of the box: 1 is added to them; "indexes" for "ids" in older ones
//                detectron2's   "objectness_logits", "bbox_mode": 0 (x1, y1, x2, y2) or 1 (x, y, width, height), continuous
//
// Told apart by their first bytes.
// Errors name the file and the record: "FILE: results[12] (image 42): bbox: …"; lists of unlike
// lengths, arrays of another shape, an image that stands there twice.
#pragma once

#include <map>
#include <string>

#include "data/proposals/proposal_set.h"

namespace mr {

ProposalSet read_proposals(const std::string& path);

// Ours, whole or not at all. Sizes of images that are not known are written as 0.
void write_proposals(const std::string& path, const ProposalSet& proposals, std::map<std::string, std::string> metadata = {});

// Of one kind (read_proposals tells them apart).
ProposalSet read_own_proposals(const std::string& path);
ProposalSet read_coco_proposals(const std::string& path);
ProposalSet read_pickled_proposals(const std::string& path);

}  // namespace mr
