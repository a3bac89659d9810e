#!/usr/bin/env python3
"""Writes tests/golden/tiny_mask_rcnn.h: what torchvision computes with a tiny Mask R-CNN (width 8, 16-channel pyramid, 5 classes).

Weights and image are drawn from a hash of (name, index), the same in the test, so the file holds results only:
detections of one image, losses and gradient norms of one training step at fixed samples.

usage: golden_tiny_mask_rcnn.py > tests/golden/tiny_mask_rcnn.h      (needs torch and torchvision)
"""
from golden_detector import K, Tiny, W, begin, write
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.models.detection.faster_rcnn import TwoMLPHead, FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.backbone_utils import BackboneWithFPN

C = 16
bb = BackboneWithFPN(Tiny(), {'layer1': '0', 'layer2': '1', 'layer3': '2', 'layer4': '3'}, [W, 2 * W, 4 * W, 8 * W], C)
m = MaskRCNN(bb, None, min_size=128, max_size=2048, image_mean=[0.] * 3, image_std=[1.] * 3,
             rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in (8, 16, 32, 64, 128)), ((.5, 1., 2.),) * 5),
             box_head=TwoMLPHead(C * 49, 32), box_predictor=FastRCNNPredictor(32, K + 1),
             mask_head=MaskRCNNHeads(C, (C,) * 2, 1), mask_predictor=MaskRCNNPredictor(C, C, K + 1),
             box_batch_size_per_image=64, rpn_batch_size_per_image=64)
begin('golden_tiny_mask_rcnn.py', 'golden')
write(m)
print('\n}  // namespace golden')
