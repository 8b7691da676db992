// From the plane to the blurred grid, and from the grid to the samples of a view.
#include <algorithm>
#include <cmath>
#include <vector>

#include "probes.h"

namespace hashmatch {
namespace probes {
namespace {

constexpr double PI = 3.14159265358979323846;

// Share of a triangle of half width 1 about 0 that lies left of t.
double triangle_below(double t) noexcept {
    t = std::clamp(t, -1.0, 1.0);
    return t < 0 ? 0.5 * (1 + t) * (1 + t) : 1 - 0.5 * (1 - t) * (1 - t);
}

// The weights of one grid point: `count` blocks from `first` on.
struct Taps {
    int first;
    int count;
    std::size_t weights;
};

// The taps of all grid points along one axis.
struct Axis {
    std::vector<Taps> taps;
    std::vector<float> weights;

    Axis(int blocks, int block, int full, double low, double high) {
        taps.reserve(GRID);
        const double half = std::max((high - low) / 128.0, static_cast<double>(block) / 2);
        for (int k = 0; k < GRID; ++k) {
            const double middle = low + (k + 0.5) / GRID * (high - low);
            const double from = std::max(middle - half, low);
            const double to = std::min(middle + half, high);
            const int first = std::clamp(static_cast<int>(from / block), 0, blocks - 1);
            const int last = std::clamp(static_cast<int>(to / block), first, blocks - 1);
            taps.push_back({first, last - first + 1, weights.size()});
            double total = 0;
            for (int b = first; b <= last; ++b) {
                const double left = std::max<double>(static_cast<double>(b) * block, from);
                const double right =
                    std::min<double>(std::min((b + 1) * block, full), to);
                const double weight =
                    right > left ? triangle_below((right - middle) / half) -
                                       triangle_below((left - middle) / half)
                                 : 0.0;
                weights.push_back(static_cast<float>(weight));
                total += weight;
            }
            if (total <= 0) {  // a box thinner than a rounding error: take one block as it is
                weights[taps.back().weights] = 1.0F;
                total = 1;
            }
            for (std::size_t i = taps.back().weights; i < weights.size(); ++i) {
                weights[i] = static_cast<float>(weights[i] / total);
            }
        }
    }
};

// A place on the grid along one axis: between point `index` and the next, by `share`.
struct Place {
    int index;
    float share;
};

Place place(double at) noexcept {
    const double scaled = std::clamp(at * GRID - 0.5, 0.0, GRID - 1.0);
    const int index = std::min(static_cast<int>(scaled), GRID - 2);
    return {index, static_cast<float>(scaled - index)};
}

float between(const float* grid, Place down, Place across) noexcept {
    const float* upper = grid + down.index * GRID + across.index;
    const float* lower = upper + GRID;
    const float above = upper[0] + across.share * (upper[1] - upper[0]);
    const float below = lower[0] + across.share * (lower[1] - lower[0]);
    return above + down.share * (below - above);
}

}  // namespace

void grid(const Plane& plane, const Box& box, float* out) {
    const Axis down(plane.height, plane.block, plane.full_height, box.top, box.bottom);
    const Axis across(plane.width, plane.block, plane.full_width, box.left, box.right);
    const int left = across.taps.front().first;
    const int right = across.taps.back().first + across.taps.back().count;
    std::vector<float> row(static_cast<std::size_t>(plane.width));
    for (int k = 0; k < GRID; ++k) {
        const Taps& taps = down.taps[static_cast<std::size_t>(k)];
        std::fill(row.begin(), row.end(), 0.0F);
        for (int i = 0; i < taps.count; ++i) {
            const float weight = down.weights[taps.weights + static_cast<std::size_t>(i)];
            const float* from =
                plane.luma + static_cast<std::ptrdiff_t>(taps.first + i) * plane.width;
            for (int x = left; x < right; ++x) {
                row[static_cast<std::size_t>(x)] += weight * from[x];
            }
        }
        for (const Taps& point : across.taps) {
            float sum = 0;
            for (int i = 0; i < point.count; ++i) {
                sum += across.weights[point.weights + static_cast<std::size_t>(i)] *
                       row[static_cast<std::size_t>(point.first + i)];
            }
            *out++ = sum;
        }
    }
}

void sample(const float* grid, const View& view, float* out) noexcept {
    const double angle = view.degrees * PI / 180;
    const double cosine = std::cos(angle);
    const double sine = std::sin(angle);
    Place across[SIDE];
    if (view.degrees == 0) {
        for (int i = 0; i < SIDE; ++i) {
            across[i] = place(view.left + (view.right - view.left) * ((i + 0.5) / SIDE));
        }
    }
    for (int j = 0; j < SIDE; ++j) {
        const double v = view.top + (view.bottom - view.top) * ((j + 0.5) / SIDE);
        if (view.degrees == 0) {
            const Place down = place(v);
            for (int i = 0; i < SIDE; ++i) *out++ = between(grid, down, across[i]);
            continue;
        }
        for (int i = 0; i < SIDE; ++i) {
            const double u = view.left + (view.right - view.left) * ((i + 0.5) / SIDE);
            const double x = (u - 0.5) * view.aspect;
            const double y = v - 0.5;
            *out++ = between(grid, place(sine * x + cosine * y + 0.5),
                             place((cosine * x - sine * y) / view.aspect + 0.5));
        }
    }
}

}  // namespace probes
}  // namespace hashmatch
