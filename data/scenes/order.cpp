#include "data/scenes/order.h"

namespace mr::scenes {

namespace {

double reach(const Item& item, V2 n, bool largest) {
  double best = largest ? -1e18 : 1e18;
  for (const V2& c : item.corners) {
    const double v = n.x * c.x + n.y * c.y;
    best = largest ? std::max(best, v) : std::min(best, v);
  }
  return best;
}

// Looks for an edge of `a` with all of b beyond it. Then whichever is on the eye's side can only hide, never be hidden:
// +1 when that is a, −1 when it is b, 0 when no edge of a divides them.
int divided_by_edge_of(const Item& a, const Item& b) {
  for (int i = 0; i < 4; ++i) {
    const V2 p = a.corners[i], q = a.corners[(i + 1) % 4];
    V2 n{q.y - p.y, p.x - q.x};
    double d = n.x * p.x + n.y * p.y;
    const V2 other = a.corners[(i + 2) % 4];
    if (n.x * other.x + n.y * other.y > d) n = -1 * n, d = -d;
    if (reach(b, n, false) >= d - 1e-9) return 0 < d ? 1 : -1;
  }
  return 0;
}

double centre_distance(const Item& i) {
  const V2 c = 0.25 * (i.corners[0] + i.corners[1] + i.corners[2] + i.corners[3]);
  return length(c);
}

bool in_front(const Item& a, const Item& b) {
  if (const int s = divided_by_edge_of(a, b)) return s > 0;
  if (const int s = divided_by_edge_of(b, a)) return s < 0;
  return centre_distance(a) < centre_distance(b);
}

}  // namespace

void place_footprint(Item& item, V3 place, double heading, double half_width, double half_length) {
  const double s = sine(heading), c = cosine(heading);
  const double signs[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  for (int i = 0; i < 4; ++i) {
    const double x = signs[i][0] * half_width, z = signs[i][1] * half_length;
    item.corners[i] = {place.x + x * c + z * s, place.z - x * s + z * c};
  }
}

bool overlap(const Item& a, const Item& b) { return divided_by_edge_of(a, b) == 0 && divided_by_edge_of(b, a) == 0; }

std::vector<int> painters_order(const std::vector<Item>& items) {
  const int n = static_cast<int>(items.size());
  std::vector<int> hides(static_cast<size_t>(n));  // how many undrawn items lie behind each
  std::vector<char> front(static_cast<size_t>(n) * static_cast<size_t>(n)), done(static_cast<size_t>(n));
  std::vector<double> far(static_cast<size_t>(n));
  const auto at = [n](int i, int j) { return static_cast<size_t>(i) * static_cast<size_t>(n) + static_cast<size_t>(j); };
  for (int i = 0; i < n; ++i) far[static_cast<size_t>(i)] = centre_distance(items[static_cast<size_t>(i)]);
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j) {
      const bool f = in_front(items[static_cast<size_t>(i)], items[static_cast<size_t>(j)]);
      front[f ? at(i, j) : at(j, i)] = 1;
      ++hides[static_cast<size_t>(f ? i : j)];
    }
  std::vector<int> order;
  while (static_cast<int>(order.size()) < n) {
    int best = -1;  // nothing behind it; a cycle is cut at its fewest, farthest
    for (int i = 0; i < n; ++i) {
      if (done[static_cast<size_t>(i)]) continue;
      if (best < 0 || hides[static_cast<size_t>(i)] < hides[static_cast<size_t>(best)] ||
          (hides[static_cast<size_t>(i)] == hides[static_cast<size_t>(best)] &&
           far[static_cast<size_t>(i)] > far[static_cast<size_t>(best)]))
        best = i;
    }
    done[static_cast<size_t>(best)] = 1;
    order.push_back(best);
    for (int i = 0; i < n; ++i)
      if (front[at(i, best)]) --hides[static_cast<size_t>(i)];
  }
  return order;
}

}  // namespace mr::scenes
