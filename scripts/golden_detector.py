"""A tiny Mask R-CNN's golden figures: what the scripts golden_tiny_*.py write, read by tests/models/golden_detector.h."""
import torch, torchvision
from golden_noise import array, noise_image, set_weights
from torch import nn
from torchvision.models.resnet import ResNet, BasicBlock
from torchvision.ops.misc import FrozenBatchNorm2d

W, K = 8, 5


class Tiny(ResNet):
    """ResNet-18 of width 8 with frozen norms; res5_stride: of its last stage."""
    def __init__(self, res5_stride=2):
        super().__init__(BasicBlock, [2, 2, 2, 2], norm_layer=FrozenBatchNorm2d)
        self.inplanes = W
        self.conv1 = nn.Conv2d(3, W, 7, 2, 3, bias=False); self.bn1 = FrozenBatchNorm2d(W)
        self.layer1 = self._make_layer(BasicBlock, W, 2)
        self.layer2 = self._make_layer(BasicBlock, 2 * W, 2, stride=2)
        self.layer3 = self._make_layer(BasicBlock, 4 * W, 2, stride=2)
        self.layer4 = self._make_layer(BasicBlock, 8 * W, 2, stride=res5_stride)


def begin(script, names):
    torch.set_num_threads(2)
    print('// Written by scripts/' + script, 'with torch', torch.__version__ + ', torchvision', torchvision.__version__ + '. Do not edit.')
    print('#pragma once\n\n#include <cstdint>\n#include <string>\n#include <utility>\n#include <vector>\n\nnamespace ' + names + ' {\n')


def write(m):
    """Detections of one image, losses and gradient norms of one training step at fixed samples. m: a MaskRCNN, its weights not yet set."""
    m.transform.resize = lambda image, target: (image, target)
    set_weights(m)
    image = noise_image(128, 160)
    boxes = torch.tensor([[10, 12, 60, 70], [70., 30, 150, 100], [5, 80, 40, 120]])
    labels = torch.tensor([2, 5, 1])
    masks = torch.zeros(3, 128, 160, dtype=torch.uint8)
    yy, xx = torch.meshgrid(torch.arange(128), torch.arange(160), indexing='ij')
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        masks[i] = (((xx + .5 - (x0 + x1) / 2) / (x1 - x0) * 2) ** 2 + ((yy + .5 - (y0 + y1) / 2) / (y1 - y0) * 2) ** 2 <= 1)
    m.eval()
    kept = {}
    m.roi_heads.register_forward_hook(lambda mod, i, o: kept.update(o[0][0]) if o[0] else None)
    with torch.no_grad(): m([image])
    m.train()
    sampler, select = m.rpn.fg_bg_sampler, m.roi_heads.select_training_samples
    m.rpn.fg_bg_sampler = lambda l: kept.setdefault('anchors', sampler(l))
    m.roi_heads.select_training_samples = lambda p, t: kept.setdefault('rois_', select(p, t))
    torch.manual_seed(0)
    losses = m([image], [dict(boxes=boxes, labels=labels, masks=masks)])
    sum(losses.values()).backward()
    array('float', 'boxes', kept['boxes']); array('float', 'scores', kept['scores']); array('int32_t', 'labels', kept['labels'], '{}')
    array('float', 'mask_means', kept['masks'].flatten(1).mean(1))
    array('int32_t', 'anchors_positive', kept['anchors'][0][0].nonzero(), '{}'); array('int32_t', 'anchors_negative', kept['anchors'][1][0].nonzero(), '{}')
    array('float', 'rois', kept['rois_'][0][0]); array('int32_t', 'roi_gt', kept['rois_'][1][0], '{}'); array('int32_t', 'roi_labels', kept['rois_'][2][0], '{}')
    order = ('loss_objectness', 'loss_rpn_box_reg', 'loss_classifier', 'loss_box_reg', 'loss_mask')
    array('double', 'losses', [float(losses[k].detach()) for k in order])
    print('inline const std::vector<std::pair<std::string, double>> gradient_norms = {')
    for n, p in m.named_parameters(): print(f'    {{"{n}", {float(p.grad.double().norm()):.9g}}},')
    print('};')
