#!/usr/bin/env python3
"""Writes tests/golden/classifiers.h: what torchvision computes with narrow classifiers of 5 classes, ResNet-18 (width 8) and VGG-16 (width 4).

Weights and image are drawn from a hash of (name, index), the same in the test, so the file holds results only: probabilities of one image
for both; the loss and gradient norms of the ResNet, its norms at their statistics.

usage: golden_classifiers.py > tests/golden/classifiers.h      (needs torch and torchvision)
"""
import torch, torchvision
from golden_noise import array, noise_image, set_weights
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet
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
print('\n}  // namespace golden::classifiers')
