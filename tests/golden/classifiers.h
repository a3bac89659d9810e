// Written by scripts/golden_classifiers.py with torch 2.15.0+cu132, torchvision 0.29.2+cu132. Do not edit.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace golden::classifiers {

inline const std::vector<float> resnet = {0.212306604f, 0.170705065f, 0.185819224f, 0.193155274f, 0.238013744f};
inline constexpr double resnet_loss = 1.6829809;
inline const std::vector<std::pair<std::string, double>> resnet_gradient_norms = {
    {"conv1.weight", 0.122024272},
    {"layer1.0.conv1.weight", 0.0431254575},
    {"layer1.0.conv2.weight", 0.0391666189},
    {"layer1.1.conv1.weight", 0.00449826004},
    {"layer1.1.conv2.weight", 0.00371117763},
    {"layer2.0.conv1.weight", 0.0839736749},
    {"layer2.0.conv2.weight", 0.138636077},
    {"layer2.0.downsample.0.weight", 0.0704957099},
    {"layer2.1.conv1.weight", 0.116935279},
    {"layer2.1.conv2.weight", 0.0594853945},
    {"layer3.0.conv1.weight", 0.201379847},
    {"layer3.0.conv2.weight", 0.302526255},
    {"layer3.0.downsample.0.weight", 0.162048604},
    {"layer3.1.conv1.weight", 0.38881594},
    {"layer3.1.conv2.weight", 0.622069013},
    {"layer4.0.conv1.weight", 0.532400827},
    {"layer4.0.conv2.weight", 0.79798837},
    {"layer4.0.downsample.0.weight", 0.529758536},
    {"layer4.1.conv1.weight", 0.585178232},
    {"layer4.1.conv2.weight", 1.14358714},
    {"fc.weight", 1.65748429},
    {"fc.bias", 0.91162717},
};
inline const std::vector<float> vgg = {0.182611436f, 0.184525609f, 0.205398664f, 0.208864078f, 0.218600154f};

}  // namespace golden::classifiers
