// The 64 x 64 samples of a picture, as sums of small integers.
//
// Two passes of a box of w pixels weigh a pixel by a tent, 1 2 .. w .. 2 1 over w * w. Only the
// last sample differs, and only for an even w: the box at its far end reaches one pixel beyond
// the picture, so it is a mean of w - 1 pixels. That sample is split into two sums of integers,
// one over w * w and one over w * (w - 1). Luma weights are integers over 1000. So every sum is
// exact, in any order and at any SIMD level, and a sample is rounded once, at the end.
#include <vector>

#include "dot.h"
#include "pdq.h"
#include "sum_rows.h"

namespace hashmatch {
namespace pdq {
namespace {

struct Sum {
    int start;          // the first pixel
    int kind;           // which weights: 0 the tent, 1 the last sample's trapezoid, 2 its ones
    double divisor;
};

// The weights of one axis, and the sums its samples are made of: 64, or 65 when the last is split.
struct Axis {
    std::vector<std::int16_t> weights[3];
    std::vector<Sum> sums;
};

Axis make_axis(int size, bool mirrored) {
    const int w = window(size);
    const double whole = static_cast<double>(w) * w;
    Axis axis;
    for (int k = 1; k < w; ++k) axis.weights[0].push_back(static_cast<std::int16_t>(k));
    for (int k = w; k > 0; --k) axis.weights[0].push_back(static_cast<std::int16_t>(k));
    for (int i = 0; i < SIDE; ++i) {
        axis.sums.push_back({center(size, i) - 2 * (w - 1 - ahead(size)), 0, whole});
    }
    if (w % 2 == 0) {
        for (int k = 1; k < w; ++k) axis.weights[1].push_back(static_cast<std::int16_t>(k));
        for (int k = w - 1; k > 0; --k) axis.weights[1].push_back(static_cast<std::int16_t>(k));
        axis.weights[2].assign(w - 1, 1);
        axis.sums.back().kind = 1;
        axis.sums.push_back({size - w + 1, 2, static_cast<double>(w) * (w - 1)});
    }
    if (mirrored) {  // every run of weights is symmetric, so only its place changes
        for (Sum& sum : axis.sums) {
            sum.start = size - sum.start - static_cast<int>(axis.weights[sum.kind].size());
        }
    }
    return axis;
}

// An axis's weights times the luma weights of the channels, for interleaved pixels.
std::vector<double> spread(const std::vector<std::int16_t>& weights, int channels) {
    static const double luma[3] = {299.0, 587.0, 114.0};
    std::vector<double> all;
    all.reserve(weights.size() * channels);
    for (const std::int16_t weight : weights) {
        for (int c = 0; c < channels; ++c) all.push_back(weight * (channels == 3 ? luma[c] : 1.0));
    }
    return all;
}

}  // namespace

void downsample(const Picture& picture, bool flips, Level level, float* out) {
    const int directions = flips ? 2 : 1;
    const std::size_t bytes = static_cast<std::size_t>(picture.width) * picture.channels;
    const double unit = picture.channels == 3 ? 1000.0 : 1.0;
    const Axis down[2] = {make_axis(picture.height, false), make_axis(picture.height, true)};
    const Axis across[2] = {make_axis(picture.width, false), make_axis(picture.width, true)};
    std::vector<double> weights[3];
    for (int kind = 0; kind < 3; ++kind) {
        weights[kind] = spread(across[0].weights[kind], picture.channels);
    }
    std::vector<std::int32_t> columns(room_for(bytes));
    std::vector<double> totals(directions * directions * (SIDE + 1) * (SIDE + 1));
    const auto total = [&](int flip_y, int flip_x, int i, int j) -> double& {
        return totals[(((flip_y * directions) + flip_x) * (SIDE + 1) + i) * (SIDE + 1) + j];
    };

    // sample i and, mirrored, sample 63 - i lie on nearly the same rows: the second finds them cached
    const int rows = static_cast<int>(down[0].sums.size());
    for (int step = 0; step < rows; ++step) {
        for (int flip_y = 0; flip_y < directions; ++flip_y) {
            const int i = flip_y && step < SIDE ? SIDE - 1 - step : step;
            const Sum& sum = down[flip_y].sums[i];
            const std::vector<std::int16_t>& taps = down[flip_y].weights[sum.kind];
            sum_rows(picture.rows + sum.start * picture.stride, picture.stride, bytes, taps.data(),
                     static_cast<int>(taps.size()), level, columns.data());
            for (int flip_x = 0; flip_x < directions; ++flip_x) {
                for (std::size_t j = 0; j < across[flip_x].sums.size(); ++j) {
                    const Sum& run = across[flip_x].sums[j];
                    const std::vector<double>& by = weights[run.kind];
                    total(flip_y, flip_x, i, static_cast<int>(j)) =
                        dot(columns.data() + static_cast<std::size_t>(run.start) * picture.channels,
                            by.data(), by.size(), level) /
                        (sum.divisor * run.divisor * unit);
                }
            }
        }
    }

    const bool split_y = down[0].sums.size() > SIDE;
    const bool split_x = across[0].sums.size() > SIDE;
    for (int flip_y = 0; flip_y < directions; ++flip_y) {
        for (int flip_x = 0; flip_x < directions; ++flip_x) {
            for (int i = 0; i < SIDE; ++i) {
                for (int j = 0; j < SIDE; ++j) {
                    const bool more_y = split_y && i == SIDE - 1;
                    const bool more_x = split_x && j == SIDE - 1;
                    // added in an order that a transposed picture shares
                    double value = total(flip_y, flip_x, i, j);
                    if (more_y && more_x) value += total(flip_y, flip_x, SIDE, SIDE);
                    const double y_part = more_y ? total(flip_y, flip_x, SIDE, j) : 0.0;
                    const double x_part = more_x ? total(flip_y, flip_x, i, SIDE) : 0.0;
                    *out++ = static_cast<float>(value + (y_part + x_part));
                }
            }
        }
    }
}

}  // namespace pdq
}  // namespace hashmatch
