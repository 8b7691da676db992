// From pixels to the small plane, and the plane's profiles.
#include <algorithm>
#include <cmath>
#include <vector>

#include "probes.h"

namespace hashmatch {
namespace probes {
namespace {

constexpr float RED = 0.299F;
constexpr float GREEN = 0.587F;
constexpr float BLUE = 0.114F;

// Means of the blocks of one row of blocks, from the sums of its columns.
template <typename Sum>
void finish_row(const Sum* sums, const Picture& picture, int block, int lines,
                float* out) {
    for (int left = 0; left < picture.width; left += block) {
        const int right = std::min(left + block, picture.width);
        const float area = static_cast<float>(lines) * static_cast<float>(right - left);
        const Sum* first = sums + left * picture.pitch;
        const Sum* last = sums + right * picture.pitch;
        if (picture.channels == 1) {
            std::uint32_t sum = 0;
            for (; first < last; first += picture.pitch) sum += *first;
            *out++ = static_cast<float>(sum) / area;
            continue;
        }
        std::uint32_t red = 0;
        std::uint32_t green = 0;
        std::uint32_t blue = 0;
        for (; first < last; first += picture.pitch) {
            red += first[0];
            green += first[1];
            blue += first[2];
        }
        *out++ = (RED * static_cast<float>(red) + GREEN * static_cast<float>(green) +
                  BLUE * static_cast<float>(blue)) /
                 area;
    }
}

struct Sums {
    double sum = 0;
    double squares = 0;
    int steps = 0;

    void write(int count, bool inner, float* out) const noexcept {
        const double mean = sum / count;
        out[0] = static_cast<float>(mean);
        out[1] = static_cast<float>(std::sqrt(std::max(0.0, squares / count - mean * mean)));
        out[2] = inner ? static_cast<float>(steps) / static_cast<float>(count) : 0.0F;
    }
};

template <typename Sum>
void reduce_by(const Picture& picture, int block, float* out) {
    // what lies between the pixels is summed too, which is faster than to step over it
    const int bytes = (picture.width - 1) * picture.pitch + picture.channels;
    const int across = (picture.width + block - 1) / block;
    std::vector<Sum> sums(static_cast<std::size_t>(picture.width) *
                                    static_cast<std::size_t>(picture.pitch));
    for (int top = 0; top < picture.height; top += block) {
        const int bottom = std::min(top + block, picture.height);
        std::fill(sums.begin(), sums.end(), Sum{0});
        for (int y = top; y < bottom; ++y) {
            const std::uint8_t* row = picture.rows + y * picture.stride;
            Sum* sum = sums.data();
            for (int x = 0; x < bytes; ++x) sum[x] = static_cast<Sum>(sum[x] + row[x]);
        }
        finish_row(sums.data(), picture, block, bottom - top, out);
        out += across;
    }
}

}  // namespace

void reduce(const Picture& picture, int block, float* out) {
    if (block <= 256) {  // sums of so many bytes fit 16 bits, and twice as many fit a register
        reduce_by<std::uint16_t>(picture, block, out);
    } else {
        reduce_by<std::uint32_t>(picture, block, out);
    }
}

void profiles(const Plane& plane, int top, int bottom, int left, int right, float step,
              float* rows, float* columns) {
    const int height = bottom - top;
    const int width = right - left;
    std::vector<Sums> down(static_cast<std::size_t>(width));
    const std::ptrdiff_t pitch = plane.width;
    for (int y = 0; y < height; ++y) {
        const float* row = plane.luma + (top + y) * pitch + left;
        Sums along;
        for (int x = 0; x < width; ++x) {
            const double value = row[x];
            Sums& column = down[static_cast<std::size_t>(x)];
            along.sum += value;
            along.squares += value * value;
            column.sum += value;
            column.squares += value * value;
            if (y + 2 < height) along.steps += std::abs(row[x + 2 * pitch] - row[x]) > step;
            if (x + 2 < width) column.steps += std::abs(row[x + 2] - row[x]) > step;
        }
        along.write(width, y + 2 < height, rows + 3 * y);
    }
    for (int x = 0; x < width; ++x) {
        down[static_cast<std::size_t>(x)].write(height, x + 2 < width, columns + 3 * x);
    }
}

}  // namespace probes
}  // namespace hashmatch
