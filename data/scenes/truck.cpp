#include <algorithm>

#include "data/scenes/vehicle_parts.h"

namespace mr::scenes {

namespace {

enum class Load : uint8_t { box, curtain, tank, tipper, crates };

// A cab, a gap, and a load; the cab is lower or narrower than the load.
struct Truck {
  Model& m;
  Dice& dice;
  Size s;
  double L = s.half_length, W = s.half_width, H = s.height;
  Load kind = static_cast<Load>(dice.below(5));
  Paint paint{any_colour(dice), 0.05, 0.15, 8}, load{any_colour(dice), 0.08, 0.08, 6}, black{near_black, 0.1, 0.1}, window = glass(dice);
  double cab_length = dice.in(1.6, 2.1), cab_height = std::min(H, dice.in(2.3, 3.0)), floor = dice.in(0.95, 1.15);
  double back = L - cab_length, slope = dice.in(0.1, 0.5), end = back - dice.in(0.15, 0.4);  // of the cab, of its front, of the load

  void draw() {
    const double radius = dice.in(0.42, 0.5), rear = -L + dice.in(0.9, 1.5);
    Wheels wheels{W - 0.03, radius, 0.32, {rear, L - 0.9}, {0.5f, 0.5f, 0.5f}};
    if (L > 3.8) wheels.axles.push_back(rear + 2 * radius + 0.15);
    wheels.tyres(m);
    if (front_is_nearer(m)) {
      draw_load();
      draw_cab();
    } else {
      draw_cab();
      draw_load();
    }
    wheels.faces(m, dice);
    m.draw_in_order();
  }

 private:
  void draw_cab() {
    const double half = cab_height * 0.5, y0 = cab_height * 0.56, y1 = cab_height * 0.88, x = W - 0.17;
    const auto front = [&](double y) { return L + 0.01 - slope * 0.4 * (y - half) / (half - 0.12); };
    m.prism({{back, 0.45}, {L, 0.4}, {L, half}, {L - slope * 0.4, cab_height - 0.12}, {L - slope, cab_height}, {back, cab_height}},
            W - 0.05, paint, paint);
    m.shell({{-x, y0, front(y0)}, {x, y0, front(y0)}, {x, y1, front(y1)}, {-x, y1, front(y1)}}, {0, y0, 0}, window);
    for (const double side : {-1.0, 1.0}) {
      patch_x(m, side * (W - 0.045), back + 0.45, L - slope * 0.4 - 0.15, y0, y1, window);
      patch_x(m, side * (W - 0.044), back + 0.4, back + 0.43, 0.6, y1, black);
      m.hull({{{side * (W + 0.12), y0, L - 0.15}, 0.06},
              {{side * (W + 0.12), y1, L - 0.15}, 0.06},
              {{side * (W + 0.2), (y0 + y1) / 2, L - 0.17}, 0.1}},
             black);
    }
    both_lamps(m, L + 0.006, W * 0.55, W * 0.88, 0.68, 0.86, {head_lamp});
    patch_z(m, L + 0.005, -W * 0.7, W * 0.7, 0.95, cab_height * 0.48, black);
    patch_z(m, L + 0.007, -W * 0.92, W * 0.92, 0.42, 0.62, black);
    patch_z(m, L + 0.01, -0.26, 0.26, 0.5, 0.61, {number_plate});
  }

  void draw_load() {
    long_box(m, W * 0.5, 0.6, floor, -L, back, black);
    switch (kind) {
      case Load::box:
      case Load::curtain:
        box();
        break;
      case Load::tank:
        tank();
        break;
      case Load::tipper:
        tipper();
        break;
      case Load::crates:
        crates();
        break;
    }
    both_lamps(m, -L - 0.01, W * 0.6, W * 0.9, floor - 0.2, floor - 0.06, {tail_lamp});
    patch_z(m, -L - 0.01, -0.26, 0.26, floor - 0.2, floor - 0.09, {number_plate});
  }

  void box() {
    long_box(m, W, floor, H, -L, end, load);
    const Paint stripe{any_colour(dice), 0.05, 0.05};
    const double tall = H - floor;
    for (const double x : {-W - 0.005, W + 0.005}) {
      if (kind == Load::box && dice.chance(0.6)) {  // a company's colours
        const double z0 = -L * dice.in(0.5, 0.9), z1 = end * dice.in(0.1, 0.8);
        patch_x(m, x, z0, z1, floor + tall * 0.35, floor + tall * 0.7, stripe);
      }
      if (kind == Load::curtain)
        for (double z = -L + 0.5; z < end - 0.2; z += 0.6) patch_x(m, x, z, z + 0.05, floor, H - 0.1, {0.6f * load.colour});
    }
    patch_z(m, -L - 0.005, -0.02, 0.02, floor, H, black);  // the doors at the back
    for (const double x : {-0.5, 0.5}) patch_z(m, -L - 0.006, x - 0.02, x + 0.02, floor, H, {0.7f * load.colour});
  }

  void tank() {
    std::vector<Ball> rims;
    const double r = (H - floor) / 2 * 0.95;
    for (int i = 0; i < 12; ++i)
      for (const double z : {-L + 0.1, end})
        rims.push_back({{W * 0.97 * cosine(2 * pi * i / 12), floor + r + r * sine(2 * pi * i / 12), z}, 0});
    m.hull(rims, {load.colour, 0.05, 0.3, 6});
    m.ring({0, floor + r, front_is_nearer(m) ? end : -L + 0.1}, {W * 0.97 / r, 0, 0}, {0, 1, 0}, r * 0.93, 0,
           {0.85f * load.colour, 0.05, 0.15, 6});
    for (const double side : {-1.0, 1.0})  // rails and a ladder
      m.tube({side * W * 0.5, H - 0.1, -L + 0.4}, {side * W * 0.5, H - 0.1, end - 0.4}, 0.03, 0.03, black);
    patch_z(m, -L + 0.09, -0.06, 0.06, floor, H, black);
  }

  void tipper() {
    const double rim = floor + (H - floor) * 0.6;
    m.hull({{{-W * 0.8, rim, -L + 0.3}, 0.1},
            {{W * 0.8, rim, -L + 0.3}, 0.1},
            {{-W * 0.8, rim, end - 0.2}, 0.1},
            {{W * 0.8, rim, end - 0.2}, 0.1},
            {{0, rim + (H - floor) * 0.3, -L * 0.3}, 0.3}},
           {{0.45f, 0.38f, 0.3f}, 0.3, 0.2, 12});
    m.prism({{-L, floor + 0.2}, {-L + 0.25, floor}, {end, floor}, {end + 0.1, rim}, {-L - 0.05, rim}}, W, load, load);
    for (double z = -L + 0.6; z < end; z += 0.8)
      for (const double x : {-W - 0.01, W + 0.01}) patch_x(m, x, z, z + 0.09, floor, rim, {0.7f * load.colour});
  }

  void crates() {
    long_box(m, W, floor, floor + 0.18, -L, end, load);
    const double low = floor + 0.18 + dice.in(0.4, 0.9), high = H * dice.in(0.7, 0.95);
    long_box(m, W * 0.8, floor + 0.18, low, -L + 0.2, -L * 0.2, {any_colour(dice), 0.12});
    long_box(m, W * 0.7, floor + 0.18, high, -L * 0.12, end - 0.5, {any_colour(dice), 0.12});
    for (const double x : {-W, W})
      for (double z = -L; z <= end; z += 0.7) m.tube({x, floor, z}, {x, floor + 0.6, z}, 0.03, 0.03, black);
  }
};

}  // namespace

Size truck_size(Dice& dice) { return {dice.in(2.9, 4.6), dice.in(1.05, 1.25), dice.in(2.7, 3.7)}; }

void draw_truck(Model& m, Size size, Dice& dice) { Truck{m, dice, size}.draw(); }

}  // namespace mr::scenes
