#include "data/export/cityscapes_labels.h"

#include "base/check.h"

namespace mr {

namespace {

constexpr CityscapesLabel labels[cityscapes_label_count] = {{"unlabeled", 0, 0, 0, false},
                                                            {"ego vehicle", 0, 0, 0, false},
                                                            {"rectification border", 0, 0, 0, false},
                                                            {"out of roi", 0, 0, 0, false},
                                                            {"static", 0, 0, 0, false},
                                                            {"dynamic", 111, 74, 0, false},
                                                            {"ground", 81, 0, 81, false},
                                                            {"road", 128, 64, 128, false},
                                                            {"sidewalk", 244, 35, 232, false},
                                                            {"parking", 250, 170, 160, false},
                                                            {"rail track", 230, 150, 140, false},
                                                            {"building", 70, 70, 70, false},
                                                            {"wall", 102, 102, 156, false},
                                                            {"fence", 190, 153, 153, false},
                                                            {"guard rail", 180, 165, 180, false},
                                                            {"bridge", 150, 100, 100, false},
                                                            {"tunnel", 150, 120, 90, false},
                                                            {"pole", 153, 153, 153, false},
                                                            {"polegroup", 153, 153, 153, false},
                                                            {"traffic light", 250, 170, 30, false},
                                                            {"traffic sign", 220, 220, 0, false},
                                                            {"vegetation", 107, 142, 35, false},
                                                            {"terrain", 152, 251, 152, false},
                                                            {"sky", 70, 130, 180, false},
                                                            {"person", 220, 20, 60, true},
                                                            {"rider", 255, 0, 0, true},
                                                            {"car", 0, 0, 142, true},
                                                            {"truck", 0, 0, 70, true},
                                                            {"bus", 0, 60, 100, true},
                                                            {"caravan", 0, 0, 90, true},
                                                            {"trailer", 0, 0, 110, true},
                                                            {"train", 0, 80, 100, true},
                                                            {"motorcycle", 0, 0, 230, true},
                                                            {"bicycle", 119, 11, 32, true}};

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

}  // namespace mr
