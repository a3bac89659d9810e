#include "data/cityscapes/labels.h"

#include <algorithm>

#include "base/check.h"

namespace mr {

namespace {

constexpr CityscapesLabel labels[cityscapes_label_count] = {{"unlabeled", 0, 0, 0, false, true},
                                                            {"ego vehicle", 0, 0, 0, false, true},
                                                            {"rectification border", 0, 0, 0, false, true},
                                                            {"out of roi", 0, 0, 0, false, true},
                                                            {"static", 0, 0, 0, false, true},
                                                            {"dynamic", 111, 74, 0, false, true},
                                                            {"ground", 81, 0, 81, false, true},
                                                            {"road", 128, 64, 128, false, false},
                                                            {"sidewalk", 244, 35, 232, false, false},
                                                            {"parking", 250, 170, 160, false, true},
                                                            {"rail track", 230, 150, 140, false, true},
                                                            {"building", 70, 70, 70, false, false},
                                                            {"wall", 102, 102, 156, false, false},
                                                            {"fence", 190, 153, 153, false, false},
                                                            {"guard rail", 180, 165, 180, false, true},
                                                            {"bridge", 150, 100, 100, false, true},
                                                            {"tunnel", 150, 120, 90, false, true},
                                                            {"pole", 153, 153, 153, false, false},
                                                            {"polegroup", 153, 153, 153, false, true},
                                                            {"traffic light", 250, 170, 30, false, false},
                                                            {"traffic sign", 220, 220, 0, false, false},
                                                            {"vegetation", 107, 142, 35, false, false},
                                                            {"terrain", 152, 251, 152, false, false},
                                                            {"sky", 70, 130, 180, false, false},
                                                            {"person", 220, 20, 60, true, false},
                                                            {"rider", 255, 0, 0, true, false},
                                                            {"car", 0, 0, 142, true, false},
                                                            {"truck", 0, 0, 70, true, false},
                                                            {"bus", 0, 60, 100, true, false},
                                                            {"caravan", 0, 0, 90, true, true},
                                                            {"trailer", 0, 0, 110, true, true},
                                                            {"train", 0, 80, 100, true, false},
                                                            {"motorcycle", 0, 0, 230, true, false},
                                                            {"bicycle", 119, 11, 32, true, false}};

}  // namespace

const CityscapesLabel& cityscapes_label(int id) {
  check(id >= 0 && id < cityscapes_label_count, "cityscapes: label id must be from 0 to 33, got ", id);
  return labels[id];
}

int cityscapes_label_id(std::string_view name) {
  for (int id = 0; id < cityscapes_label_count; ++id)
    if (name == labels[id].name) return id;
  return -1;
}

int cityscapes_class(int label) {
  const auto at = std::ranges::find(cityscapes_classes, label);
  return at == cityscapes_classes.end() ? -1 : static_cast<int>(at - cityscapes_classes.begin());
}

}  // namespace mr
