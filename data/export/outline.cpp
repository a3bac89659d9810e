#include "data/export/outline.h"

#include <algorithm>

namespace mr {

namespace {

struct Labelling {
  int height, width;
  std::vector<int> component;  // of each pixel
  std::vector<int> first;      // pixel of each component: its leftmost in its top row

  int at(int y, int x) const {
    return x < 0 || y < 0 || x >= width || y >= height
               ? -1
               : component[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
};

Labelling label(const std::vector<uint16_t>& map, int height, int width) {
  Labelling l{height, width, std::vector<int>(map.size(), -1), {}};
  std::vector<int> stack;
  for (int start = 0; start < height * width; ++start) {
    if (l.component[static_cast<size_t>(start)] >= 0) continue;
    const int k = static_cast<int>(l.first.size());
    l.first.push_back(start);
    l.component[static_cast<size_t>(start)] = k;
    stack.push_back(start);
    while (!stack.empty()) {
      const int p = stack.back(), x = p % width;
      stack.pop_back();
      const int next[4] = {x > 0 ? p - 1 : -1, x + 1 < width ? p + 1 : -1, p - width, p + width};
      for (const int q : next) {
        if (q < 0 || q >= height * width || l.component[static_cast<size_t>(q)] >= 0 ||
            map[static_cast<size_t>(q)] != map[static_cast<size_t>(p)])
          continue;
        l.component[static_cast<size_t>(q)] = k;
        stack.push_back(q);
      }
    }
  }
  return l;
}

// Walks along the edges with the region to the right, from the upper left corner of its first pixel eastwards. Where two of its pixels
// meet at a corner alone, the walk stays on this side: the region is 4-connected.
std::vector<std::pair<int, int>> walk(const Labelling& l, int k) {
  static constexpr int dx[] = {1, 0, -1, 0}, dy[] = {0, 1, 0, -1};              // east, south, west, north
  static constexpr int right_x[] = {0, -1, -1, 0}, right_y[] = {0, 0, -1, -1};  // the pixel ahead on the right, seen from a corner
  static constexpr int left_x[] = {0, 0, -1, -1}, left_y[] = {-1, 0, 0, -1};
  const int start_x = l.first[static_cast<size_t>(k)] % l.width, start_y = l.first[static_cast<size_t>(k)] / l.width;
  std::vector<std::pair<int, int>> corners;
  int x = start_x, y = start_y, d = 0;
  corners.push_back({x, y});
  do {
    x += dx[d], y += dy[d];
    int turn = 0;
    if (l.at(y + right_y[d], x + right_x[d]) != k) {
      turn = 1;
    } else if (l.at(y + left_y[d], x + left_x[d]) == k) {
      turn = 3;
    }
    if (turn != 0 && !(x == start_x && y == start_y)) corners.push_back({x, y});
    d = (d + turn) % 4;
  } while (!(x == start_x && y == start_y && d == 0));
  return corners;
}

}  // namespace

std::vector<Region> regions(const std::vector<uint16_t>& map, int height, int width) {
  const Labelling l = label(map, height, width);
  std::vector<Region> out(l.first.size());
  for (size_t k = 0; k < out.size(); ++k) {
    out[k].value = map[static_cast<size_t>(l.first[k])];
    out[k].boundary = walk(l, static_cast<int>(k));
    int64_t twice = 0;
    for (size_t i = 0; i < out[k].boundary.size(); ++i) {
      const auto [x0, y0] = out[k].boundary[i];
      const auto [x1, y1] = out[k].boundary[(i + 1) % out[k].boundary.size()];
      twice += static_cast<int64_t>(x0) * y1 - static_cast<int64_t>(x1) * y0;
    }
    out[k].enclosed = twice / 2;
  }
  std::stable_sort(out.begin(), out.end(), [](const Region& a, const Region& b) { return a.enclosed > b.enclosed; });
  return out;
}

}  // namespace mr
