// From samples to coefficients, bits and quality, in the reference's own float operations.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>

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

void transform(const float* samples, float* coefficients) noexcept {
    const Basis& by = basis();
    float down[16][SIDE] = {};
    for (int k = 0; k < SIDE; ++k) {
        for (int i = 0; i < 16; ++i) {
            for (int j = 0; j < SIDE; ++j) down[i][j] += by[k][i] * samples[k * SIDE + j];
        }
    }
    for (int i = 0; i < 16; ++i) {
        float sums[16] = {};
        for (int k = 0; k < SIDE; ++k) {
            for (int j = 0; j < 16; ++j) sums[j] += down[i][k] * by[k][j];
        }
        std::copy(sums, sums + 16, coefficients + i * 16);
    }
}

int count_gradients(const float* samples, float slack, int* doubtful) noexcept {
    int sum = 0;
    int close = 0;
    const auto count = [&](float u, float v) {
        const float gradient = ((u - v) * 100) / 255;
        sum += std::abs(static_cast<int>(gradient));
        const float whole = std::round(gradient);
        close += whole != 0.0F && std::abs(gradient - whole) < slack;
    };
    for (int i = 0; i < SIDE; ++i) {
        for (int j = 0; j < SIDE; ++j) {
            const float* at = samples + i * SIDE + j;
            if (i + 1 < SIDE) count(at[0], at[SIDE]);
            if (j + 1 < SIDE) count(at[0], at[1]);
        }
    }
    *doubtful = close;
    return sum;
}

// Torben's median, which the reference uses, is the lower one of an even number of values.
void middle(const float* coefficients, float* median, float* above) noexcept {
    std::array<float, COEFFICIENTS> sorted;
    std::copy(coefficients, coefficients + COEFFICIENTS, sorted.begin());
    const auto half = sorted.begin() + COEFFICIENTS / 2;
    std::nth_element(sorted.begin(), half, sorted.end());
    *above = *half;
    *median = *std::max_element(sorted.begin(), half);
}

}  // namespace

void digest(const float* samples, float slack, Level level, Digest* out) noexcept {
    (void)level;
    transform(samples, out->coefficients);
    middle(out->coefficients, &out->median, &out->above);
    out->gradients = count_gradients(samples, slack, &out->doubtful);
    std::fill(std::begin(out->bits), std::end(out->bits), std::uint8_t{0});
    for (int i = 0; i < COEFFICIENTS; ++i) {
        const int place = COEFFICIENTS - 1 - i;
        if (out->coefficients[i] > out->median) {
            out->bits[place / 8] |= static_cast<std::uint8_t>(0x80 >> (place % 8));
        }
    }
}

}  // namespace pdq
}  // namespace hashmatch
