#include <algorithm>
#include <cmath>

#include "resample.h"

namespace hashmatch {
namespace resample {
namespace {

constexpr double PI = 3.14159265358979323846;
constexpr double SUPPORT = 3.0;

double sinc(double x) noexcept {
    if (x == 0.0) return 1.0;
    x *= PI;
    return std::sin(x) / x;
}

double lanczos(double x) noexcept {
    return -SUPPORT <= x && x < SUPPORT ? sinc(x) * sinc(x / SUPPORT) : 0.0;
}

std::int32_t fixed(double weight) noexcept {
    const double scaled = weight * (1 << PRECISION);
    return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

void add_pairs(Filter& filter, const std::vector<std::int16_t>& weights,
               std::vector<std::int32_t>& pairs) {
    for (int o = 0; o < filter.out; ++o) {
        const auto at = [&](int pixel) -> std::uint32_t {
            const int k = pixel - filter.starts[o];
            if (k < 0 || k >= filter.counts[o]) return 0;
            return static_cast<std::uint16_t>(weights[filter.offsets[o] + k]);
        };
        for (int p = 0; p < filter.pair_counts[o]; ++p) {
            const int pixel = 2 * (filter.pair_starts[o] + p);
            pairs.push_back(static_cast<std::int32_t>(at(pixel) | (at(pixel + 1) << 16)));
        }
    }
}

}  // namespace

Filter make_filter(int in, int out, bool mirrored) {
    Filter filter;
    filter.in = in;
    filter.out = out;
    const double scale = static_cast<double>(in) / out;
    const double stretch = std::max(scale, 1.0);
    const double support = SUPPORT * stretch;
    std::vector<std::vector<std::int32_t>> rows(out);
    std::vector<double> exact;
    for (int o = 0; o < out; ++o) {
        if (in == out) {  // Pillow leaves such an axis alone
            filter.starts.push_back(o);
            rows[o] = {1 << PRECISION};
            continue;
        }
        const double center = (o + 0.5) * scale;
        const int start = std::max(static_cast<int>(center - support + 0.5), 0);
        const int end = std::min(static_cast<int>(center + support + 0.5), in);
        double sum = 0.0;
        exact.clear();
        for (int x = 0; x < end - start; ++x) {
            exact.push_back(lanczos((x + start - center + 0.5) * (1.0 / stretch)));
            sum += exact.back();
        }
        for (double weight : exact) rows[o].push_back(fixed(sum != 0.0 ? weight / sum : weight));
        filter.starts.push_back(start);
    }
    filter.symmetric = true;
    for (int o = 0; o < out; ++o) {
        const std::vector<std::int32_t>& other = rows[out - 1 - o];
        const int count = static_cast<int>(rows[o].size());
        filter.symmetric = filter.symmetric &&
                           filter.starts[o] == in - filter.starts[out - 1 - o] -
                                                   static_cast<int>(other.size()) &&
                           std::equal(rows[o].rbegin(), rows[o].rend(), other.begin(), other.end());
        if (mirrored) filter.starts[o] = in - filter.starts[o] - count;
    }
    for (std::vector<std::int32_t>& row : rows) {
        if (mirrored) std::reverse(row.begin(), row.end());
        for (std::int32_t weight : row) {
            filter.split = filter.split || weight > INT16_MAX || weight < INT16_MIN;
        }
    }
    for (int o = 0; o < out; ++o) {
        filter.counts.push_back(static_cast<int>(rows[o].size()));
        filter.offsets.push_back(filter.fine.size());
        for (std::int32_t weight : rows[o]) {
            const std::int32_t fine = filter.split ? weight & 0xFF : weight;
            filter.fine.push_back(static_cast<std::int16_t>(fine));
            if (filter.split) {
                filter.coarse.push_back(static_cast<std::int16_t>((weight - fine) / 256));
            }
        }
    }
    std::size_t offset = 0;
    for (int o = 0; o < out; ++o) {
        const int first = filter.starts[o] / 2;
        const int last = (filter.starts[o] + filter.counts[o] - 1) / 2;
        filter.pair_starts.push_back(first);
        filter.pair_counts.push_back(last - first + 1);
        filter.pair_offsets.push_back(offset);
        offset += last - first + 1;
    }
    add_pairs(filter, filter.fine, filter.fine_pairs);
    if (filter.split) add_pairs(filter, filter.coarse, filter.coarse_pairs);
    return filter;
}

}  // namespace resample
}  // namespace hashmatch
