#!/usr/bin/env python3
"""Writes tests/golden/tiny_c4.h: what torchvision computes with a tiny Mask R-CNN without a pyramid (width 8, 5 classes).

Its ResNet-18 ends with layer3; layer4 is the head of boxes and of masks, one module for both. In the paper's form (7x7 bins, stride 1)
and in that of its release (14x14, stride 2).

usage: golden_tiny_c4.py > tests/golden/tiny_c4.h      (needs torch and torchvision)
"""
from golden_detector import K, Tiny, W, begin, write
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign


class UpToRes4(nn.Module):
    out_channels = 4 * W

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        b = self.body
        x = b.maxpool(b.relu(b.bn1(b.conv1(x))))
        return {'0': b.layer3(b.layer2(b.layer1(x)))}


begin('golden_tiny_c4.py', 'golden::c4')
for name, bins, stride in ('paper', 7, 1), ('release', 14, 2):
    body = Tiny(res5_stride=stride)
    body.fc = nn.Identity()
    align = lambda: MultiScaleRoIAlign(['0'], bins, 2)
    m = MaskRCNN(UpToRes4(body), None, min_size=128, max_size=2048, image_mean=[0.] * 3, image_std=[1.] * 3,
                 rpn_anchor_generator=AnchorGenerator(((8, 16, 32, 64, 128),), ((.5, 1., 2.),)),
                 box_roi_pool=align(), box_head=nn.Sequential(body.layer4, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
                 box_predictor=FastRCNNPredictor(8 * W, K + 1),
                 mask_roi_pool=align(), mask_head=body.layer4, mask_predictor=MaskRCNNPredictor(8 * W, 2 * W, K + 1),
                 box_batch_size_per_image=64, rpn_batch_size_per_image=64)
    print('namespace', name, '{\n')
    write(m)
    print('\n}  // namespace', name, '\n')
print('}  // namespace golden::c4')
