#include "data/scenes/plan.h"

#include <algorithm>

namespace mr::scenes {

namespace {

constexpr int groups = 9;
constexpr int attempts = 24;  // to find a place

// Of person, ridden bicycle, ridden motorcycle, bicycle, motorcycle, car, truck, bus, train. The shares of annotated instances come
// out near equal (balanced), or as in Cityscapes' training set: person 17.9, rider 1.8, car 26.9, truck 0.5, bus 0.4, train 0.2,
// motorcycle 0.7, bicycle 3.7 thousand.
constexpr double weights[2][groups] = {{1, 0.5, 0.5, 0.55, 0.5, 1, 1, 1, 1}, {17.9, 1.45, 0.35, 2.25, 0.35, 26.9, 0.5, 0.4, 0.2}};

struct Rect {
  double x0, y0, x1, y1;
  double area() const { return std::max(x1 - x0, 0.0) * std::max(y1 - y0, 0.0); }
};
Rect common(const Rect& a, const Rect& b) {
  return {std::max(a.x0, b.x0), std::max(a.y0, b.y0), std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
}

class Planner {
 public:
  Planner(const SceneOptions& o, int64_t index, const Street& street, const Camera& camera)
      : options_(o), index_(index), street_(street), camera_(camera), dice_(o.seed, "scene/plan", static_cast<uint64_t>(index)) {}

  void place(Group group) {
    Thing t;
    t.group = group;
    t.part = ++parts_;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      t.size = size_of(t);
      if (choose_place(t) && fits(t)) {
        things_.push_back(t);
        return;
      }
    }
  }
  std::vector<Thing> take() { return std::move(things_); }

 private:
  Size size_of(const Thing& t) const {
    Dice d = dice_of(options_, index_, t);  // the drawing starts with the same draws
    switch (t.group) {
      case Group::car:
        return car_size(d);
      case Group::truck:
        return truck_size(d);
      case Group::bus:
        return bus_size(d);
      case Group::train:
        return train_size(d);
      case Group::person:
        return {0.3, 0.3, d.chance(0.15) ? d.in(1.05, 1.45) : d.in(1.55, 1.95)};
      case Group::ridden_bicycle:
        return {0.9, 0.35, 1.75};
      case Group::ridden_motorcycle:
        return {1.0, 0.4, 1.65};
      case Group::bicycle:
        return {0.9, 0.3, 1.1};
      case Group::motorcycle:
        return {1.0, 0.4, 1.15};
    }
    return {};
  }

  // Nearer places are likelier: z = near + (far − near)·u².
  double depth(double near, double far) {
    const double u = dice_.in(0, 1);
    return options_.distance * (near + (far - near) * u * u);
  }
  double sideways(double spread) {
    const double side = dice_.sign();
    return side * pi / 2 + dice_.in(-spread, spread);
  }
  double lengthways(double spread) {
    const bool away = dice_.chance(0.5);
    return (away ? 0 : pi) + dice_.in(-spread, spread);
  }
  double pavement(bool& right) {
    right = dice_.chance(0.5);
    return right ? dice_.in(street_.right + 0.4, street_.right_front - 0.4) : dice_.in(street_.left_front + 0.4, street_.left - 0.4);
  }
  bool along_lane(Thing& t, double near, double far, bool tracks) {
    std::vector<const Lane*> lanes;
    for (const Lane& l : street_.lanes)
      if (l.tracks || !tracks) lanes.push_back(&l);
    if (lanes.empty()) return false;
    const Lane& l = *lanes[static_cast<size_t>(dice_.below(static_cast<int>(lanes.size())))];
    t.x = l.x + (tracks ? 0 : dice_.in(-0.4, 0.4));
    t.z = depth(near, far) + t.size.half_length;
    t.heading = (l.towards ? pi : 0) + (tracks ? 0 : dice_.in(-0.06, 0.06));
    return true;
  }
  // In the crossing street, or turning into one's own.
  bool across(Thing& t, double near, double far, bool tracks) {
    const bool crossing = street_.cross_half > 0;
    if (tracks && !(crossing && street_.cross_tracks)) return false;
    t.heading = sideways(tracks ? 0 : 0.12);
    if (crossing && dice_.chance(tracks ? 1 : 0.8)) {
      t.z = tracks ? street_.cross : street_.cross + (t.heading > 0 ? -1 : 1) * street_.cross_half * 0.5;
      t.x = dice_.in(-0.55, 0.55) * t.z;
    } else {
      t.z = depth(near, far) + t.size.half_width;
      t.x = dice_.in(street_.left, street_.right) * 0.8;
      t.heading += dice_.in(-0.7, 0.7);
    }
    return true;
  }

  bool choose_place(Thing& t) {
    bool right = false;
    switch (t.group) {
      case Group::person:
        if (dice_.chance(0.6)) {
          t.x = pavement(right);
          t.heading = dice_.chance(0.75) ? lengthways(0.4) : dice_.in(0, 2 * pi);
        } else {
          t.x = dice_.in(street_.left, street_.right);
          t.heading = sideways(0.5);
        }
        t.z = depth(4.5, 30);
        return true;
      case Group::bicycle:
      case Group::motorcycle:
        if (dice_.chance(0.75)) {
          t.x = pavement(right);
        } else {
          t.x = dice_.chance(0.5) ? street_.left + 0.5 : street_.right - 0.5;
        }
        t.heading = dice_.in(0, 2 * pi);
        if (dice_.chance(0.5)) t.heading = sideways(0.5);
        t.z = depth(4.5, t.group == Group::bicycle ? 18 : 22);
        return true;
      case Group::ridden_bicycle:
      case Group::ridden_motorcycle: {
        const double far = t.group == Group::ridden_bicycle ? 20 : 25;
        if (dice_.chance(0.5)) return across(t, 5, far, false);
        t.z = depth(5, far);
        t.x = dice_.chance(0.6)   ? dice_.in(street_.left + 0.5, street_.right - 0.5)
              : dice_.chance(0.5) ? street_.left + 0.7
                                  : street_.right - 0.7;
        t.heading = (t.x > 0 ? 0 : pi) + dice_.in(-0.3, 0.3);
        if (dice_.chance(0.2)) t.heading += pi;
        return true;
      }
      case Group::car:
        if (dice_.chance(0.35)) {  // parked at a kerb
          right = dice_.chance(0.5);
          t.x = right ? street_.right - 0.95 : street_.left + 0.95;
          t.heading = (right ? 0 : pi) + dice_.in(-0.05, 0.05);
          t.z = depth(5, 34) + t.size.half_length * 0.5;
          return true;
        }
        return dice_.chance(0.35) ? across(t, 7, 30, false) : along_lane(t, 5, 40, false);
      case Group::truck:
        return dice_.chance(0.4) ? across(t, 9, 32, false) : along_lane(t, 7, 40, false);
      case Group::bus:
        return dice_.chance(0.4) ? across(t, 11, 34, false) : along_lane(t, 8, 40, false);
      case Group::train:
        return dice_.chance(0.5) && street_.cross_tracks ? across(t, 14, 34, true) : along_lane(t, 7, 35, true);
    }
    return false;
  }

  bool fits(Thing& t) {
    Item& item = t.footprint;
    const V3 place = street_.place(t.x, t.z);
    place_footprint(item, place, street_.yaw + t.heading, t.size.half_width + 0.15, t.size.half_length + 0.15);
    for (const Thing& other : things_)
      if (overlap(item, other.footprint)) return false;
    Rect box{1e9, 1e9, -1e9, -1e9};
    for (const V2& c : item.corners) {
      if (c.y < 2.2) return false;
      for (const double y : {0.0, t.size.height}) {
        const V2 p = camera_.project({c.x, y, c.y});
        box = {std::min(box.x0, p.x), std::min(box.y0, p.y), std::max(box.x1, p.x), std::max(box.y1, p.y)};
      }
    }
    const Rect frame{0, 0, static_cast<double>(options_.width), static_cast<double>(options_.height)};
    const Rect seen = common(box, frame);
    if (seen.area() < 0.5 * box.area() || seen.area() < 2.0 * static_cast<double>(options_.min_pixels)) return false;
    const double distance = length(place);
    for (size_t i = 0; i < boxes_.size(); ++i) {  // nobody is hidden altogether
      const double shared = common(seen, boxes_[i]).area();
      if (distances_[i] < distance ? shared > 0.6 * seen.area() : shared > 0.6 * boxes_[i].area()) return false;
    }
    boxes_.push_back(seen);
    distances_.push_back(distance);
    return true;
  }

  const SceneOptions& options_;
  int64_t index_;
  uint64_t parts_ = 0;
  const Street& street_;
  const Camera& camera_;
  Dice dice_;
  std::vector<Thing> things_;
  std::vector<Rect> boxes_;
  std::vector<double> distances_;
};

}  // namespace

Dice dice_of(const SceneOptions& o, int64_t index, const Thing& t) {
  return Dice(o.seed, "scene/object", static_cast<uint64_t>(index), t.part);
}

std::vector<Group> choose_groups(const SceneOptions& o, Dice& dice) {
  std::vector<Group> wanted;
  const int count = static_cast<int>(o.density * dice.in(3, 9) + 0.5);
  for (int i = 0; i < count; ++i) wanted.push_back(static_cast<Group>(dice.weighted(weights[static_cast<int>(o.frequencies)], groups)));
  std::stable_sort(wanted.begin(), wanted.end(), [](Group a, Group b) { return a > b; });
  return wanted;
}

std::vector<Thing> place_things(const SceneOptions& o, int64_t index, const std::vector<Group>& wanted, const Street& street,
                                const Camera& camera) {
  Planner planner(o, index, street, camera);
  for (const Group g : wanted) planner.place(g);
  return planner.take();
}

}  // namespace mr::scenes
