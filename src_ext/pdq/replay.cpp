// The samples as the reference rounds them.
//
// Where two coefficients nearly tie, the hash depends on the rounding errors of the reference's
// running float sums. This repeats those sums operation for operation, but streams the picture:
// sixteen rows side by side through the filter along x, one row at a time through the one along y.
#include <algorithm>
#include <vector>

#include "pdq.h"

namespace hashmatch {
namespace pdq {
namespace {

constexpr int LANES = 16;  // rows filtered side by side

using Lanes = float[LANES];

// Filters the rows of a tile along x: in[x][lane] to out[x][lane].
void box_across(const float* in, int width, float* out) noexcept {
    const int w = window(width);
    const int lead = ahead(width);
    Lanes sum = {};
    int left = 0, right = 0, count = 0;
    const auto add = [&] {
        for (int l = 0; l < LANES; ++l) sum[l] += in[right * LANES + l];
        ++right;
    };
    const auto drop = [&] {
        for (int l = 0; l < LANES; ++l) sum[l] -= in[left * LANES + l];
        ++left;
    };
    const auto write = [&](float by) {
        for (int l = 0; l < LANES; ++l) out[l] = sum[l] / by;
        out += LANES;
    };
    for (; count < lead; ++count) add();
    while (count < w) {
        add();
        write(static_cast<float>(++count));
    }
    while (right < width) {
        add();
        drop();
        write(static_cast<float>(count));
    }
    for (int i = 0; i < lead; ++i) {
        drop();
        write(static_cast<float>(--count));
    }
}

// Filters rows along y as they come; hands each finished row to `take`.
class BoxDown {
  public:
    BoxDown(int height, int width)
        : window_(window(height)),
          lead_(ahead(height)),
          width_(width),
          sum_(width),
          done_(width),
          ring_(static_cast<std::size_t>(window_) * width) {}

    template <typename Take>
    void push(const float* row, Take take) {
        float* slot = &ring_[static_cast<std::size_t>(seen_ % window_) * width_];
        for (int x = 0; x < width_; ++x) sum_[x] += row[x];
        if (seen_ >= window_) {
            for (int x = 0; x < width_; ++x) sum_[x] -= slot[x];
        } else {
            ++count_;
        }
        std::copy(row, row + width_, slot);
        if (++seen_ > lead_) write(take);
    }

    template <typename Take>
    void finish(Take take) {
        for (int i = 0; i < lead_; ++i) {
            const float* slot = &ring_[static_cast<std::size_t>((seen_ + i) % window_) * width_];
            for (int x = 0; x < width_; ++x) sum_[x] -= slot[x];
            --count_;
            write(take);
        }
    }

  private:
    template <typename Take>
    void write(Take take) {
        const float by = static_cast<float>(count_);
        for (int x = 0; x < width_; ++x) done_[x] = sum_[x] / by;
        take(done_.data());
    }

    int window_, lead_, width_;
    int seen_ = 0, count_ = 0;
    std::vector<float> sum_, done_, ring_;
};

// numpy's float64 luma, rounded to float
inline float luma(const std::uint8_t* pixel, int channels) noexcept {
    if (channels == 1) return pixel[0];
    return static_cast<float>(pixel[0] * 0.299 + pixel[1] * 0.587 + pixel[2] * 0.114);
}

}  // namespace

void replay(const Picture& picture, Level level, float* out) {
    (void)level;
    const int height = picture.height, width = picture.width;
    const auto pixel = [&](int y, int x) {
        return luma(picture.rows + y * picture.stride +
                        static_cast<std::size_t>(x) * picture.channels,
                    picture.channels);
    };
    if (height == SIDE && width == SIDE) {  // the reference takes such a picture as it is
        for (int i = 0; i < SAMPLES; ++i) out[i] = pixel(i / SIDE, i % SIDE);
        return;
    }
    const std::size_t tile_size = static_cast<std::size_t>(width) * LANES;
    std::vector<float> tile(tile_size), once(tile_size), again(tile_size), twice(tile_size);
    std::vector<float> row(width), narrow(SIDE);
    BoxDown first_down(height, width), second_down(height, SIDE);

    int sampled = 0;  // rows that left the last filter
    int next = 0;     // the next sample row
    const auto pick = [&](const float* finished) {
        for (; next < SIDE && center(height, next) == sampled; ++next) {
            std::copy(finished, finished + SIDE, out + next * SIDE);
        }
        ++sampled;
    };
    int gathered = 0;
    const auto flush = [&] {
        box_across(again.data(), width, twice.data());
        for (int l = 0; l < gathered; ++l) {
            for (int j = 0; j < SIDE; ++j) {
                narrow[j] = twice[static_cast<std::size_t>(center(width, j)) * LANES + l];
            }
            second_down.push(narrow.data(), pick);
        }
        gathered = 0;
    };
    const auto gather = [&](const float* finished) {
        for (int x = 0; x < width; ++x) {
            again[static_cast<std::size_t>(x) * LANES + gathered] = finished[x];
        }
        if (++gathered == LANES) flush();
    };

    for (int from = 0; from < height; from += LANES) {
        const int rows = std::min(LANES, height - from);
        for (int l = 0; l < rows; ++l) {
            for (int x = 0; x < width; ++x) {
                tile[static_cast<std::size_t>(x) * LANES + l] = pixel(from + l, x);
            }
        }
        box_across(tile.data(), width, once.data());
        for (int l = 0; l < rows; ++l) {
            for (int x = 0; x < width; ++x) {
                row[x] = once[static_cast<std::size_t>(x) * LANES + l];
            }
            first_down.push(row.data(), gather);
        }
    }
    first_down.finish(gather);
    if (gathered) flush();
    second_down.finish(pick);
}

}  // namespace pdq
}  // namespace hashmatch
