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

// An axis's weights times the luma weights of the channels, for pixels of `step` bytes.
std::vector<double> spread(const std::vector<std::int16_t>& weights, int channels, int step) {
    static const double luma[4] = {299.0, 587.0, 114.0, 0.0};
    std::vector<double> all;
    all.reserve(weights.size() * step);
    for (const std::int16_t weight : weights) {
        for (int c = 0; c < step; ++c) all.push_back(weight * (channels == 3 ? luma[c] : 1.0));
    }
    return all;
}

// The axis as it is and mirrored, as far as they are wanted.
std::vector<Axis> make_axes(int size, int wanted) {
    std::vector<Axis> axes;
    if (wanted & 1) axes.push_back(make_axis(size, false));
    if (wanted & 2) axes.push_back(make_axis(size, true));
    return axes;
}

}  // namespace

void downsample(const Picture& picture, Mirrors mirrors, Level level, float* out) {
    const int step = static_cast<int>(picture.step);
    // up to the last channel of the last pixel: what may follow it is not ours to read
    const std::size_t bytes = static_cast<std::size_t>(picture.width - 1) * step + picture.channels;
    const double unit = picture.channels == 3 ? 1000.0 : 1.0;
    const std::vector<Axis> down = make_axes(picture.height, mirrors.along_y);
    const std::vector<Axis> across = make_axes(picture.width, mirrors.along_x);
    std::vector<double> weights[3];
    for (int kind = 0; kind < 3; ++kind) {
        weights[kind] = spread(across[0].weights[kind], picture.channels, step);
    }
    std::vector<std::int32_t> columns(room_for(static_cast<std::size_t>(picture.width) * step));
    constexpr int ALL = SIDE + 1;
    std::vector<double> totals(down.size() * across.size() * ALL * ALL);
    const auto total = [&](std::size_t y_way, std::size_t x_way, int i, int j) -> double& {
        return totals[((y_way * across.size() + x_way) * ALL + i) * ALL + j];
    };

    // sample i and, mirrored, sample 63 - i lie on nearly the same rows: the second finds them cached
    const int sums_down = static_cast<int>(down[0].sums.size());
    const int sums_across = static_cast<int>(across[0].sums.size());
    for (int turn = 0; turn < sums_down; ++turn) {
        for (std::size_t y_way = 0; y_way < down.size(); ++y_way) {
            const int i = y_way == 1 && turn < SIDE ? SIDE - 1 - turn : turn;
            const Sum& sum = down[y_way].sums[i];
            const std::vector<std::int16_t>& taps = down[y_way].weights[sum.kind];
            sum_rows(picture.rows + sum.start * picture.stride, picture.stride, bytes, taps.data(),
                     static_cast<int>(taps.size()), level, columns.data());
            for (std::size_t x_way = 0; x_way < across.size(); ++x_way) {
                for (int j = 0; j < sums_across; ++j) {
                    const Sum& run = across[x_way].sums[j];
                    const std::vector<double>& by = weights[run.kind];
                    const std::int32_t* from = columns.data() + std::ptrdiff_t{run.start} * step;
                    total(y_way, x_way, i, j) = dot(from, by.data(), by.size(), level) /
                                                (sum.divisor * run.divisor * unit);
                }
            }
        }
    }

    for (std::size_t y_way = 0; y_way < down.size(); ++y_way) {
        for (std::size_t x_way = 0; x_way < across.size(); ++x_way) {
            for (int i = 0; i < SIDE; ++i) {
                for (int j = 0; j < SIDE; ++j) {
                    const bool more_y = sums_down > SIDE && i == SIDE - 1;
                    const bool more_x = sums_across > SIDE && j == SIDE - 1;
                    // added in an order that a transposed picture shares
                    double value = total(y_way, x_way, i, j);
                    if (more_y && more_x) value += total(y_way, x_way, SIDE, SIDE);
                    const double y_part = more_y ? total(y_way, x_way, SIDE, j) : 0.0;
                    const double x_part = more_x ? total(y_way, x_way, i, SIDE) : 0.0;
                    *out++ = static_cast<float>(value + (y_part + x_part));
                }
            }
        }
    }
}

}  // namespace pdq
}  // namespace hashmatch
