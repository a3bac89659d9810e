#!/usr/bin/env python3
"""Writes tests/golden/classifiers.h: what torchvision computes with narrow classifiers of 5 classes, ResNet-18 (width 8) and VGG-16 (width 4),
and narrow trunks of bottlenecks: a ResNeXt-50 (width 8, 4 groups of 2 channels in layer1) and a ResNet-50 whose layer4 is dilated.

Weights and image are drawn from a hash of (name, index), the same in the test, so the file holds results only: probabilities of one image
for both classifiers; the loss and gradient norms of the ResNet, its norms at their statistics; of each map of the trunks the mean of the squares
and a sum with noise for weights, and the gradient norms of that sum of the last map.

usage: golden_classifiers.py > tests/golden/classifiers.h      (needs torch and torchvision)
"""
import torch, torchvision
from golden_noise import array, noise, noise_image, set_weights
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, cfgs, make_layers

K = 5


def narrow_resnet(width):
    m = ResNet(BasicBlock, [2, 2, 2, 2])
    m.inplanes = width
    m.conv1, m.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
    for k in range(4): setattr(m, f'layer{k + 1}', m._make_layer(BasicBlock, width << k, 2, stride=1 if k == 0 else 2))
    m.fc = nn.Linear(8 * width, K)
    return m


def narrow_vgg(width):
    m = VGG(make_layers([c if c == 'M' else c * width // 64 for c in cfgs['D']]), num_classes=K, init_weights=False)
    m.classifier[0], m.classifier[3] = nn.Linear(49 * 8 * width, 64 * width), nn.Linear(64 * width, 64 * width)
    m.classifier[6] = nn.Linear(64 * width, K)
    return m


def narrow_trunk(width, groups=1, group_width=8, dilated=False):
    m = ResNet(Bottleneck, [3, 4, 6, 3], groups=groups, width_per_group=64 * group_width // width)   # torchvision states it of 64 channels
    m.inplanes, m.dilation = width, 1
    m.conv1, m.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
    for k, n in enumerate([3, 4, 6, 3]):
        setattr(m, f'layer{k + 1}', m._make_layer(Bottleneck, width << k, n, stride=1 if k == 0 else 2, dilate=dilated and k == 3))
    if dilated:  # Detectron's form: the first block's 3x3, too
        m.layer4[0].conv2.dilation = m.layer4[0].conv2.padding = (2, 2)
    m.fc = nn.Identity()
    return m


def write_trunk(name, m):
    set_weights(m.eval())
    x = m.maxpool(m.relu(m.bn1(m.conv1(noise_image(96, 128)[None]))))
    squares, sums = [], []
    for k in range(4):
        x = getattr(m, f'layer{k + 1}')(x)
        v = torch.from_numpy(noise(f'C{k + 2}', x.numel())).reshape(x.shape)
        squares.append(float((x.detach().double() ** 2).mean()))
        sums.append((x * v).sum())
    array('double', name + '_squares', squares)
    array('double', name + '_sums', [float(s.detach()) for s in sums])
    (sums[-1] / v.numel()).backward()
    print(f'inline const std::vector<std::pair<std::string, double>> {name}_gradient_norms = {{')
    for n, p in m.named_parameters():
        if 'bn' not in n and 'downsample.1' not in n: print(f'    {{"{n}", {float(p.grad.double().norm()):.9g}}},')
    print('};')


print('// Written by scripts/golden_classifiers.py with torch', torch.__version__ + ', torchvision', torchvision.__version__ + '. Do not edit.')
print('#pragma once\n\n#include <string>\n#include <utility>\n#include <vector>\n\nnamespace golden::classifiers {\n')
resnet = narrow_resnet(8).eval()
set_weights(resnet)
logits = resnet(noise_image(128, 160)[None])
array('float', 'resnet', logits.softmax(1))
loss = nn.functional.cross_entropy(logits, torch.tensor([2]))
loss.backward()
print(f'inline constexpr double resnet_loss = {float(loss.detach()):.9g};')
print('inline const std::vector<std::pair<std::string, double>> resnet_gradient_norms = {')
for n, p in resnet.named_parameters():
    if 'bn' not in n and 'downsample.1' not in n: print(f'    {{"{n}", {float(p.grad.double().norm()):.9g}}},')
print('};')
vgg = narrow_vgg(4).eval()
set_weights(vgg)
with torch.no_grad(): array('float', 'vgg', vgg(noise_image(224, 224)[None]).softmax(1))
write_trunk('resnext', narrow_trunk(8, groups=4, group_width=2))
write_trunk('dilated', narrow_trunk(8, dilated=True))
print('\n}  // namespace golden::classifiers')
