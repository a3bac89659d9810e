#include "data/scenes/scene.h"

#include "base/check.h"
#include "base/fields.h"
#include "data/scenes/plan.h"

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
  f.field("distance", distance, "of objects: below 1 nearer, so larger and easier");
  f.field("clutter", clutter, "of small things that are no objects");
  f.field("noise", noise, "of the sensor: standard deviation at mid grey, of a range of 1");
  f.field("min_pixels", min_pixels, "an object that shows fewer is not annotated");
  seed = static_cast<uint64_t>(key);
}

void SceneOptions::validate() const {
  const auto range = [](const char* key, auto v, auto low, auto high) {
    check(v >= low && v <= high, "data.scenes.", key, ": must be from ", low, " to ", high, ", got ", v);
  };
  constexpr int64_t most = INT64_MAX / 1000;  // the objects of scene i have ids from 1000·i on
  range("images", images, int64_t{0}, most);
  range("first", first, int64_t{0}, most - images);
  range("height", height, int64_t{16}, int64_t{4096});
  range("width", width, int64_t{16}, int64_t{8192});
  range("density", density, 0.0, 10.0);
  range("distance", distance, 0.3, 3.0);
  range("clutter", clutter, 0.0, 10.0);
  range("noise", noise, 0.0, 1.0);
  range("min_pixels", min_pixels, int64_t{1}, most);
}

namespace scenes {

namespace {

bool ridden(Group g) { return g == Group::ridden_bicycle || g == Group::ridden_motorcycle; }

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
      if (ridden(t.group)) {
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

namespace {

Camera plan_camera(const SceneOptions& o, Dice& dice) {
  const double h = static_cast<double>(o.height), w = static_cast<double>(o.width);
  Camera c;
  c.f = std::sqrt(2 * h * w) * dice.in(0.95, 1.15);
  c.cx = w * 0.5;
  c.horizon = h * dice.in(0.38, 0.48);
  c.height = dice.in(1.25, 2.1);
  return c;
}

Look plan_look(const SceneOptions& o, uint64_t index, const Stage& stage, const Street& street, Dice& dice) {
  Look look;
  look.camera = stage.camera;
  look.haze = stage.light.haze;
  look.haze_per_metre = stage.light.haze_per_metre;
  look.noise = o.noise * dice.in(0.5, 1.5);
  const double gain = dice.in(0.85, 1.15), tint = dice.in(-0.06, 0.06);
  look.balance = {static_cast<float>(gain * (1 + tint)), static_cast<float>(gain), static_cast<float>(gain * (1 - tint))};
  look.vignette = dice.in(0, 0.3);
  look.contrast = dice.in(0.2, 1.1);
  look.seed = mix64(o.seed ^ mix64(index));
  look.yaw_sine = sine(street.yaw);
  look.yaw_cosine = cosine(street.yaw);
  return look;
}

// A soft shadow where it touches the ground, and the one that the sun casts.
void shade_ground(Stage& stage, const Street& street, const Thing& t) {
  const V3 place = street.place(t.x, t.z);
  const double heading = street.yaw + t.heading, s = sine(heading), c = cosine(heading);
  const bool slim = t.size.half_width < 0.5;
  const double reach = slim ? 1.2 : 1.12;
  stage.canvas.shade_soft(stage.camera, place, reach * (t.size.half_width + 0.1) * V3{c, 0, -s},
                          reach * (t.size.half_length + 0.1) * V3{s, 0, c}, slim ? 0.5 : 0.8);
  cast_shadow(stage, place, heading, t.size.half_width * (slim ? 0.7 : 1), t.size.half_length, t.size.height * 0.92);
}

}  // namespace

Scene draw_scene(const SceneOptions& o, int64_t index, bool with_image) {
  const uint64_t at = static_cast<uint64_t>(index);
  Dice dice(o.seed, "scene/world", at);
  const std::vector<Group> wanted = choose_groups(o, dice);
  const Street street = plan_street(dice, !wanted.empty() && wanted[0] == Group::train);
  const Weather weather = plan_weather(dice);
  const Camera camera = plan_camera(o, dice);
  Stage stage{camera, plan_light(weather, dice), Canvas(static_cast<int>(o.height), static_cast<int>(o.width))};
  draw_sky(stage, weather, dice);
  draw_ground(stage, street, dice);

  const std::vector<Thing> things = place_things(o, index, wanted, street, camera);
  std::vector<Item> items;
  for (const Thing& t : things) {
    shade_ground(stage, street, t);
    items.push_back(t.footprint);
  }
  add_background(stage, street, weather, o.clutter, o.seed, at, items);

  Scene scene;
  for (const int i : painters_order(items)) {
    if (static_cast<size_t>(i) >= things.size()) {
      items[static_cast<size_t>(i)].draw();
      continue;
    }
    const Thing& t = things[static_cast<size_t>(i)];
    static constexpr Kind kinds[] = {Kind::person, Kind::bicycle, Kind::motorcycle, Kind::bicycle, Kind::motorcycle,
                                     Kind::car,    Kind::truck,   Kind::bus,        Kind::train};
    const uint16_t owner = static_cast<uint16_t>(first_object + scene.objects.size());
    scene.objects.push_back(kinds[static_cast<int>(t.group)]);
    if (ridden(t.group)) scene.objects.push_back(Kind::rider);
    draw_group(stage, street, t, dice_of(o, index, t), owner);
  }
  const Look look = plan_look(o, at, stage, street, dice);
  stage.canvas.resolve(with_image ? &look : nullptr, scene.owners, scene.image);
  return scene;
}

}  // namespace scenes
}  // namespace mr
