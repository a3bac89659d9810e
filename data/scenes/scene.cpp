#include "data/scenes/scene.h"

#include <algorithm>

#include "data/scenes/street.h"
#include "tensor/fields.h"

namespace mr {

void SceneOptions::visit(Fields& f) {
  int64_t key = static_cast<int64_t>(seed);
  f.field("images", images, "how many scenes");
  f.field("first", first, "index of the first scene: a later start gives unseen scenes of the same kind");
  f.field("height", height, "of an image, pixels");
  f.field("width", width, "of an image, pixels");
  f.field("seed", key, "of everything that is drawn");
  f.choice("frequencies", frequencies, {"balanced", "cityscapes"}, "how often each class occurs: about equally, or as in Cityscapes");
  f.field("density", density, "of objects: about six a scene at 1");
  f.field("clutter", clutter, "of small things that are no objects");
  f.field("noise", noise, "of the sensor: standard deviation at mid grey, of a range of 1");
  f.field("min_pixels", min_pixels, "an object that shows fewer is not annotated");
  seed = static_cast<uint64_t>(key);
}

namespace scenes {

namespace {

// What is drawn together: somebody on a bicycle is one group of two objects.
enum class Group : uint8_t { person, ridden_bicycle, ridden_motorcycle, bicycle, motorcycle, car, truck, bus, train };
constexpr int groups = 9;

struct Thing {
  Group group{};
  double x = 0, z = 0, heading = 0;  // in the street
  Size size;
  uint64_t part = 0;
};

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
      : options_(o),
        index_(static_cast<uint64_t>(index)),
        street_(street),
        camera_(camera),
        dice_(o.seed, "scene/plan", static_cast<uint64_t>(index)) {}

  void plan(Group group) {
    Thing t;
    t.group = group;
    t.part = ++parts_;
    for (int attempt = 0; attempt < 24; ++attempt) {
      t.size = size_of(t);
      if (choose_place(t) && fits(t)) {
        things.push_back(t);
        return;
      }
    }
  }
  Dice dice_of(const Thing& t) const { return Dice(options_.seed, "scene/object", index_, t.part); }

  std::vector<Thing> things;

 private:
  Size size_of(const Thing& t) const {
    Dice d = dice_of(t);  // the drawing starts with the same draws
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
    return near + (far - near) * u * u;
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
    t.heading = dice_.sign() * pi / 2 + (tracks ? 0 : dice_.in(-0.12, 0.12));
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
          t.heading = dice_.chance(0.75) ? (dice_.chance(0.5) ? 0 : pi) + dice_.in(-0.4, 0.4) : dice_.in(0, 2 * pi);
        } else {
          t.x = dice_.in(street_.left, street_.right);
          t.heading = dice_.sign() * pi / 2 + dice_.in(-0.5, 0.5);
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
        if (dice_.chance(0.5)) t.heading = dice_.sign() * pi / 2 + dice_.in(-0.5, 0.5);
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
        t.heading = (t.x > 0 ? 0 : pi) + dice_.in(-0.3, 0.3) + (dice_.chance(0.2) ? pi : 0);
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

  bool fits(const Thing& t) {
    Item item;
    const V3 place = street_.place(t.x, t.z);
    place_footprint(item, place, street_.yaw + t.heading, t.size.half_width + 0.15, t.size.half_length + 0.15);
    for (const Item& other : taken_)
      if (overlap(item, other)) return false;
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
    taken_.push_back(std::move(item));
    boxes_.push_back(seen);
    distances_.push_back(distance);
    return true;
  }

  const SceneOptions& options_;
  uint64_t index_, parts_ = 0;
  const Street& street_;
  const Camera& camera_;
  Dice dice_;
  std::vector<Item> taken_;
  std::vector<Rect> boxes_;
  std::vector<double> distances_;
};

// person, ridden bicycle, ridden motorcycle, bicycle, motorcycle, car, truck, bus, train. The shares of annotated instances come out
// near equal (balanced), or as in Cityscapes' training set: person 17.9, rider 1.8, car 26.9, truck 0.5, bus 0.4, train 0.2,
// motorcycle 0.7, bicycle 3.7 thousand.
constexpr double weights[2][groups] = {{1, 0.5, 0.5, 0.55, 0.5, 1, 1, 1, 1}, {17.9, 1.45, 0.35, 2.25, 0.35, 26.9, 0.5, 0.4, 0.2}};

void draw_group(Stage& stage, const Street& street, const Thing& t, Dice dice, uint16_t owner) {
  Model m(stage, street.place(t.x, t.z), street.yaw + t.heading, owner);
  switch (t.group) {
    case Group::person:
      draw_person(m, t.size.height, dice);
      break;
    case Group::car:
      draw_car(m, t.size, dice);
      break;
    case Group::truck:
      draw_truck(m, t.size, dice);
      break;
    case Group::bus:
      draw_bus(m, t.size, dice);
      break;
    case Group::train:
      draw_train(m, t.size, dice);
      break;
    default: {
      const bool bicycle = t.group == Group::bicycle || t.group == Group::ridden_bicycle;
      const Saddle saddle = bicycle ? draw_bicycle(m, dice) : draw_motorcycle(m, dice);
      if (t.group == Group::ridden_bicycle || t.group == Group::ridden_motorcycle) {
        m.owner(static_cast<uint16_t>(owner + 1));
        draw_rider(m, saddle, dice);
      }
      m.draw_far_to_near();
    }
  }
}

}  // namespace

int label_id(Kind kind) {
  static constexpr int ids[] = {24, 25, 26, 27, 28, 31, 32, 33};
  return ids[static_cast<int>(kind)];
}

Scene draw_scene(const SceneOptions& o, int64_t index, bool with_image) {
  const uint64_t at = static_cast<uint64_t>(index);
  const int h = static_cast<int>(o.height), w = static_cast<int>(o.width);
  Dice dice(o.seed, "scene/world", at);

  std::vector<Group> wanted;
  const int count = static_cast<int>(o.density * dice.in(3, 9) + dice.in(0, 1));
  for (int i = 0; i < count; ++i) wanted.push_back(static_cast<Group>(dice.weighted(weights[static_cast<int>(o.frequencies)], groups)));
  std::stable_sort(wanted.begin(), wanted.end(), [](Group a, Group b) { return a > b; });  // the large first: they need the room
  const bool train = !wanted.empty() && wanted[0] == Group::train;

  const Street street = plan_street(dice, train);
  const Weather weather = plan_weather(dice);
  Camera camera;
  camera.f = std::sqrt(2.0 * h * w) * dice.in(0.95, 1.15);
  camera.cx = w * 0.5;
  camera.horizon = h * dice.in(0.38, 0.48);
  camera.height = dice.in(1.25, 2.1);
  Stage stage{camera, plan_light(weather, dice), Canvas(h, w)};
  draw_sky(stage, weather, dice);
  draw_ground(stage, street, dice);

  Planner planner(o, index, street, camera);
  for (const Group g : wanted) planner.plan(g);
  std::vector<Item> items;
  add_background(stage, street, weather, o.clutter, o.seed, at, items);
  const size_t background = items.size();
  for (const Thing& t : planner.things) {
    const V3 place = street.place(t.x, t.z);
    const double heading = street.yaw + t.heading, s = sine(heading), c = cosine(heading);
    const bool slim = t.size.half_width < 0.5;
    const double reach = slim ? 1.2 : 1.12;
    stage.canvas.shade_soft(camera, place, reach * (t.size.half_width + 0.1) * V3{c, 0, -s},
                            reach * (t.size.half_length + 0.1) * V3{s, 0, c}, slim ? 0.5 : 0.8);
    cast_shadow(stage, place, heading, t.size.half_width * (slim ? 0.7 : 1), t.size.half_length, t.size.height * 0.92, 1);
    Item item;
    place_footprint(item, place, heading, t.size.half_width, t.size.half_length);
    items.push_back(std::move(item));
  }

  Scene scene;
  for (const int i : painters_order(items)) {
    if (static_cast<size_t>(i) < background) {
      items[static_cast<size_t>(i)].draw();
      continue;
    }
    const Thing& t = planner.things[static_cast<size_t>(i) - background];
    const uint16_t owner = static_cast<uint16_t>(first_object + scene.objects.size());
    static constexpr Kind kinds[groups] = {Kind::person, Kind::bicycle, Kind::motorcycle, Kind::bicycle, Kind::motorcycle,
                                           Kind::car,    Kind::truck,   Kind::bus,        Kind::train};
    scene.objects.push_back(kinds[static_cast<int>(t.group)]);
    if (t.group == Group::ridden_bicycle || t.group == Group::ridden_motorcycle) scene.objects.push_back(Kind::rider);
    draw_group(stage, street, t, planner.dice_of(t), owner);
  }
  Look look;
  look.camera = camera;
  look.haze = stage.light.haze;
  look.haze_per_metre = stage.light.haze_per_metre;
  look.noise = o.noise * dice.in(0.5, 1.5);
  const double gain = dice.in(0.85, 1.15), tint = dice.in(-0.06, 0.06);
  look.balance = {static_cast<float>(gain * (1 + tint)), static_cast<float>(gain), static_cast<float>(gain * (1 - tint))};
  look.vignette = dice.in(0, 0.3);
  look.contrast = dice.in(0.2, 1.1);
  look.seed = mix64(o.seed ^ mix64(at));
  look.yaw_sine = sine(street.yaw);
  look.yaw_cosine = cosine(street.yaw);
  stage.canvas.resolve(with_image ? &look : nullptr, scene.owners, scene.image);
  return scene;
}

}  // namespace scenes
}  // namespace mr
