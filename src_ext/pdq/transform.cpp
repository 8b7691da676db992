// From samples to coefficients, bits and quality, in the reference's own float operations.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "pdq.h"

namespace hashmatch {
namespace pdq {
namespace {

constexpr double PI = 3.14159265358979323846;

// Rows 1..16 of the DCT of 64 values, transposed: basis()[k][i] weighs value k in frequency i + 1.
using Basis = std::array<std::array<float, 16>, SIDE>;

const Basis& basis() noexcept {
    static const Basis made = [] {
        const float scale = static_cast<float>(std::sqrt(2.0 / SIDE));
        Basis table;
        for (int k = 0; k < SIDE; ++k) {
            for (int i = 0; i < 16; ++i) {
                table[k][i] = static_cast<float>(
                    scale * std::cos((PI / 2.0 / SIDE) * (i + 1) * (2 * k + 1)));
            }
        }
        return table;
    }();
    return made;
}

// Rows of weights: weight k of row i lies at at[i * row + k * step].
struct Weights {
    const float* at;
    int row, step;
};

// Sums of weighted rows of values, four at a time over sixteen columns: few enough to stay in
// registers. Each sum takes its terms in the reference's order.
HM_INLINE void four_sums(Weights weights, const float* values, int stride, float* out,
                         int out_stride) noexcept {
    float a[16] = {}, b[16] = {}, c[16] = {}, d[16] = {};
    for (int k = 0; k < SIDE; ++k) {
        const float* weight = weights.at + k * weights.step;
        const float* value = values + k * stride;
        for (int l = 0; l < 16; ++l) {
            a[l] += weight[0] * value[l];
            b[l] += weight[weights.row] * value[l];
            c[l] += weight[2 * weights.row] * value[l];
            d[l] += weight[3 * weights.row] * value[l];
        }
    }
    std::memcpy(out, a, sizeof a);
    std::memcpy(out + out_stride, b, sizeof b);
    std::memcpy(out + 2 * out_stride, c, sizeof c);
    std::memcpy(out + 3 * out_stride, d, sizeof d);
}

HM_INLINE void transform(const float* samples, float* coefficients) noexcept {
    const float* by = basis()[0].data();
    float down[16][SIDE];
    for (int i = 0; i < 16; i += 4) {
        for (int from = 0; from < SIDE; from += 16) {
            four_sums({by + i, 1, 16}, samples + from, SIDE, &down[i][from], SIDE);
        }
    }
    for (int i = 0; i < 16; i += 4) {
        four_sums({&down[i][0], SIDE, 1}, by, 16, coefficients + i * 16, 16);
    }
}

HM_INLINE void count(const float* u, const float* v, int n, float slack, int* sum,
                     int* doubtful) noexcept {
    int total = 0, close = 0;
    for (int l = 0; l < n; ++l) {
        const float gradient = ((u[l] - v[l]) * 100) / 255;
        const float size = std::fabs(gradient);
        const int steps = static_cast<int>(size);
        const float beyond = size - static_cast<float>(steps);
        total += steps;
        close += (static_cast<int>(steps > 0) & static_cast<int>(beyond < slack)) |
                 static_cast<int>(beyond > 1 - slack);
    }
    *sum += total;
    *doubtful += close;
}

HM_INLINE void count_gradients(const float* samples, float slack, Digest* out) noexcept {
    out->gradients = 0;
    out->doubtful = 0;
    for (int i = 0; i < SIDE; ++i) {
        const float* row = samples + i * SIDE;
        if (i + 1 < SIDE) count(row, row + SIDE, SIDE, slack, &out->gradients, &out->doubtful);
        count(row, row + 1, SIDE - 1, slack, &out->gradients, &out->doubtful);
    }
}

// Torben's median, which the reference uses, is the lower one of an even number of values. It is
// found bit by bit, over whole numbers that are in the order of the floats they stand for: sorting
// would stumble over a branch for every value.
HM_INLINE float lower_median(const float* coefficients) noexcept {
    std::uint32_t keys[COEFFICIENTS];
    for (int i = 0; i < COEFFICIENTS; ++i) {
        std::uint32_t bits;
        const float value = coefficients[i] + 0.0F;  // -0 becomes 0: floats take them for equal
        std::memcpy(&bits, &value, sizeof bits);
        keys[i] = bits ^ (static_cast<std::uint32_t>(-static_cast<std::int32_t>(bits >> 31)) |
                          0x80000000U);
    }
    std::uint32_t median = 0;
    for (std::uint32_t bit = 0x80000000U; bit; bit >>= 1) {
        const std::uint32_t middle = median | bit;
        int below = 0;
        for (int i = 0; i < COEFFICIENTS; ++i) below += static_cast<int>(keys[i] < middle);
        if (below <= COEFFICIENTS / 2 - 1) median = middle;
    }
    const std::uint32_t bits = median & 0x80000000U ? median & 0x7FFFFFFFU : ~median;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// How far the least coefficient of a set bit stays above the largest of the others if every
// coefficient is off as much as is tolerated. Rounding errors of running sums wander slowly along
// the picture, so the low frequencies have most of them.
HM_INLINE float worst_distance(const float* coefficients, float median, float tolerance) noexcept {
    float least = std::numeric_limits<float>::infinity();
    float largest = -least;
    int set = 0;
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 16; ++j) {
            const float value = coefficients[i * 16 + j];
            const float off = tolerance * (1.0F / (i + 1) + 1.0F / (j + 1));
            const bool above = value > median;
            least = std::min(least, above ? value - off : least);
            largest = std::max(largest, above ? largest : value + off);
            set += static_cast<int>(above);
        }
    }
    return set == COEFFICIENTS / 2 ? least - largest : -std::numeric_limits<float>::infinity();
}

HM_INLINE void digest_here(const float* samples, Tolerance tolerance, Digest* out) noexcept {
    transform(samples, out->coefficients);
    count_gradients(samples, tolerance.gradient, out);
    for (int byte = 0; byte < COEFFICIENTS / 8; ++byte) out->bits[byte] = 0;
    out->median = lower_median(out->coefficients);
    out->apart = worst_distance(out->coefficients, out->median, tolerance.coefficient);
    for (int i = 0; i < COEFFICIENTS; ++i) {
        const int place = COEFFICIENTS - 1 - i;
        const int bit = out->coefficients[i] > out->median;
        out->bits[place / 8] |= static_cast<std::uint8_t>(bit << (7 - place % 8));
    }
}

HM_TARGET_AVX2 void digest_avx2(const float* samples, Tolerance tolerance, Digest* out) noexcept {
    digest_here(samples, tolerance, out);
}

HM_TARGET_AVX512 void digest_avx512(const float* samples, Tolerance tolerance, Digest* out) noexcept {
    digest_here(samples, tolerance, out);
}

}  // namespace

void digest(const float* samples, Tolerance tolerance, Level level, Digest* out) noexcept {
    switch (level) {
        case AVX512:
            return digest_avx512(samples, tolerance, out);
        case AVX2:
            return digest_avx2(samples, tolerance, out);
        default:
            return digest_here(samples, tolerance, out);
    }
}

}  // namespace pdq
}  // namespace hashmatch
