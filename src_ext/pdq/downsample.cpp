// The 64 x 64 samples of a picture, as sums of small integers.
//
// Two passes of a box of w pixels weigh a pixel by a tent, 1 2 .. w .. 2 1 over w * w. Only the
// last sample differs, and only for an even w: the box at its far end reaches one pixel beyond
// the picture, so it is a mean of w - 1 pixels. That sample is split into two sums of integers,
// one over w * w and one over w * (w - 1). Luma weights are integers over 1000. So every sum is
// exact, in any order and at any SIMD level, and a sample is rounded once, at the end.
#include <algorithm>
#include <vector>

#include "pdq/dots.h"
#include "pdq/luma_rows.h"
#include "pdq/pdq.h"

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

// The axis as it is and mirrored, as far as they are wanted.
std::vector<Axis> make_axes(int size, int wanted) {
    std::vector<Axis> axes;
    if (wanted & 1) axes.push_back(make_axis(size, false));
    if (wanted & 2) axes.push_back(make_axis(size, true));
    return axes;
}

constexpr int ALL = SIDE + 1;

// The rows that a sum needs, as the picture is and mirrored: in one reading where they overlap, else
// in two.
struct Band {
    RowWeights weights[MOST_WAYS];
    int readings;
};

Band band_of(const std::vector<Axis>& down, const int* which) {
    const auto taps_of = [&](std::size_t way) -> const std::vector<std::int16_t>& {
        return down[way].weights[down[way].sums[which[way]].kind];
    };
    const auto start_of = [&](std::size_t way) { return down[way].sums[which[way]].start; };
    Band band{};
    const int ways = static_cast<int>(down.size());
    if (ways == 2) {
        const int first = std::min(start_of(0), start_of(1));
        const int end = std::max(start_of(0) + static_cast<int>(taps_of(0).size()),
                                 start_of(1) + static_cast<int>(taps_of(1).size()));
        if (end - first < static_cast<int>(taps_of(0).size() + taps_of(1).size())) {
            RowWeights& both = band.weights[0];
            both.first = first;
            both.ways = 2;
            for (std::size_t way = 0; way < 2; ++way) {
                both.of[way].assign(static_cast<std::size_t>(end - first), 0);
                std::copy(taps_of(way).begin(), taps_of(way).end(),
                          both.of[way].begin() + (start_of(way) - first));
            }
            band.readings = 1;
            return band;
        }
    }
    for (std::size_t way = 0; way < down.size(); ++way) {
        band.weights[way].first = start_of(way);
        band.weights[way].ways = 1;
        band.weights[way].of[0] = taps_of(way);
    }
    band.readings = ways;
    return band;
}

// The sums of one row of lumas along an axis, each divided by what its weights add up to.
class Across {
   public:
    Across(const Axis& axis, double unit) {
        for (std::size_t i = 0; i < axis.sums.size(); ++i) {
            const Sum& sum = axis.sums[i];
            starts_[i] = sum.start;
            divisors_[sum.kind] = sum.divisor * unit;
            ends_[sum.kind] = i + 1;
        }
        for (int kind = 0; kind < 3; ++kind) {
            weights_[kind].assign(axis.weights[kind].begin(), axis.weights[kind].end());
        }
    }

    void operator()(const double* lumas, double divisor, Level level, double* out) const noexcept {
        std::size_t from = 0;
        for (int kind = 0; kind < 3; ++kind) {  // the sums of a kind lie side by side
            if (ends_[kind] <= from) continue;
            dots(lumas, starts_ + from, ends_[kind] - from, weights_[kind].data(),
                 weights_[kind].size(), divisor * divisors_[kind], level, out + from);
            from = ends_[kind];
        }
    }

    int sums() const noexcept {
        return static_cast<int>(*std::max_element(ends_, ends_ + 3));
    }

   private:
    int starts_[ALL];
    double divisors_[3] = {};
    std::size_t ends_[3] = {};
    std::vector<double> weights_[3];
};

}  // namespace

void downsample(const Picture& picture, Mirrors mirrors, Level level, float* out) {
    const double unit = picture.channels == 3 ? 1000.0 : 1.0;
    const std::vector<Axis> down = make_axes(picture.height, mirrors.along_y);
    std::vector<Across> across;
    for (const Axis& axis : make_axes(picture.width, mirrors.along_x)) {
        across.emplace_back(axis, unit);
    }
    const std::size_t room = luma_room(picture.width);
    std::vector<double> lumas(MOST_WAYS * room);
    std::vector<double> totals(down.size() * across.size() * ALL * ALL);
    const auto totals_of = [&](std::size_t y_way, std::size_t x_way, int i) {
        return totals.data() + ((y_way * across.size() + x_way) * ALL + i) * ALL;
    };

    const int sums_down = static_cast<int>(down[0].sums.size());
    for (int turn = 0; turn < sums_down; ++turn) {
        // sample i and, mirrored, sample 63 - i lie on nearly the same rows
        const int which[MOST_WAYS] = {turn, turn < SIDE ? SIDE - 1 - turn : turn};
        const Band band = band_of(down, which);
        double* const rows[MOST_WAYS] = {lumas.data(), lumas.data() + room};
        for (int reading = 0; reading < band.readings; ++reading) {
            double* const to[MOST_WAYS] = {rows[reading], rows[1]};  // one way goes to the first
            luma_rows(picture, band.weights[reading], level, to);
        }
        for (std::size_t y_way = 0; y_way < down.size(); ++y_way) {
            const int i = which[y_way];
            for (std::size_t x_way = 0; x_way < across.size(); ++x_way) {
                across[x_way](rows[y_way], down[y_way].sums[i].divisor, level,
                              totals_of(y_way, x_way, i));
            }
        }
    }

    const int sums_across = across[0].sums();
    for (std::size_t y_way = 0; y_way < down.size(); ++y_way) {
        for (std::size_t x_way = 0; x_way < across.size(); ++x_way) {
            const double* beyond = totals_of(y_way, x_way, SIDE);
            for (int i = 0; i < SIDE; ++i) {
                const double* row = totals_of(y_way, x_way, i);
                for (int j = 0; j < SIDE; ++j) {
                    const bool more_y = sums_down > SIDE && i == SIDE - 1;
                    const bool more_x = sums_across > SIDE && j == SIDE - 1;
                    // added in an order that a transposed picture shares
                    double value = row[j];
                    if (more_y && more_x) value += beyond[SIDE];
                    const double y_part = more_y ? beyond[j] : 0.0;
                    const double x_part = more_x ? row[SIDE] : 0.0;
                    *out++ = static_cast<float>(value + (y_part + x_part));
                }
            }
        }
    }
}

}  // namespace pdq
}  // namespace hashmatch
