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

// Filters the rows of a tile along x: in[x][lane] to out[x][lane].
HM_INLINE void box_across(const float* in, int width, float* out) noexcept {
    const int w = window(width);
    const int lead = ahead(width);
    float sum[LANES] = {};
    int added = 0, dropped = 0, count = 0;
    for (; added < lead; ++added, ++count) {
        for (int l = 0; l < LANES; ++l) sum[l] += in[added * LANES + l];
    }
    for (int x = 0; x < width; ++x) {
        if (added < width) {
            for (int l = 0; l < LANES; ++l) sum[l] += in[static_cast<std::ptrdiff_t>(added) * LANES + l];
            ++added;
            ++count;
        }
        if (count > w || x + lead >= width) {
            for (int l = 0; l < LANES; ++l) sum[l] -= in[static_cast<std::ptrdiff_t>(dropped) * LANES + l];
            ++dropped;
            --count;
        }
        const float by = static_cast<float>(count);
        float* at = out + static_cast<std::ptrdiff_t>(x) * LANES;
        for (int l = 0; l < LANES; ++l) at[l] = sum[l] / by;
    }
}

// Filters rows along y as they come.
class BoxDown {
  public:
    BoxDown(int height, int width)
        : window_(window(height)),
          lead_(ahead(height)),
          width_(width),
          sum_(width),
          done_(width),
          ring_(static_cast<std::size_t>(window_) * width) {}

    int lead() const noexcept { return lead_; }

    // Takes a row; returns a finished one, or null while there is none yet.
    HM_INLINE const float* push(const float* row) noexcept {
        float* slot = &ring_[static_cast<std::size_t>(seen_ % window_) * width_];
        float* sum = sum_.data();
        if (seen_ >= window_) {
            for (int x = 0; x < width_; ++x) {
                const float more = sum[x] + row[x];
                sum[x] = more - slot[x];
                slot[x] = row[x];
            }
        } else {
            for (int x = 0; x < width_; ++x) {
                sum[x] += row[x];
                slot[x] = row[x];
            }
            ++count_;
        }
        ++seen_;
        return seen_ > lead_ ? finished() : nullptr;
    }

    // After the last row: one of the lead() rows that are still to be finished.
    HM_INLINE const float* drop() noexcept {
        const float* slot = &ring_[static_cast<std::size_t>(seen_ % window_) * width_];
        for (int x = 0; x < width_; ++x) sum_[x] -= slot[x];
        ++seen_;
        --count_;
        return finished();
    }

  private:
    HM_INLINE const float* finished() noexcept {
        const float by = static_cast<float>(count_);
        const float* sum = sum_.data();
        float* done = done_.data();
        for (int x = 0; x < width_; ++x) done[x] = sum[x] / by;
        return done;
    }

    int window_, lead_, width_;
    int seen_ = 0, count_ = 0;
    std::vector<float> sum_, done_, ring_;
};

// The reference is handed numpy's float64 luma, rounded to float. No luma of 8-bit colours lies
// so near the middle of two floats that dividing whole numbers could round it another way.
HM_INLINE void luma(const std::uint8_t* row, int width, int channels, float* out) noexcept {
    if (channels == 1) {
        for (int x = 0; x < width; ++x) out[x] = row[x];
        return;
    }
    for (int x = 0; x < width; ++x) {
        const int thousandths = 299 * row[3 * x] + 587 * row[3 * x + 1] + 114 * row[3 * x + 2];
        out[x] = static_cast<float>(thousandths) / 1000.0F;
    }
}

// rows[lane][x] to tile[x][lane], and back; in blocks, so that no line is fetched twice.
HM_INLINE void to_tile(const float* rows, int width, float* tile) noexcept {
    for (std::ptrdiff_t x = 0; x < width; x += LANES) {
        const int block = std::min<int>(LANES, width - static_cast<int>(x));
        for (int l = 0; l < LANES; ++l) {
            for (int i = 0; i < block; ++i) tile[(x + i) * LANES + l] = rows[l * width + x + i];
        }
    }
}

HM_INLINE void from_tile(const float* tile, std::ptrdiff_t width, float* rows) noexcept {
    for (std::ptrdiff_t x = 0; x < width; x += LANES) {
        const int block = std::min<int>(LANES, static_cast<int>(width - x));
        for (int l = 0; l < LANES; ++l) {
            for (int i = 0; i < block; ++i) rows[l * width + x + i] = tile[(x + i) * LANES + l];
        }
    }
}

class Replay {
  public:
    Replay(const Picture& picture, float* out)
        : picture_(picture),
          out_(out),
          width_(picture.width),
          rows_(width_ * LANES),
          again_(width_ * LANES),
          tile_(width_ * LANES),
          filtered_(width_ * LANES),
          first_down_(picture.height, picture.width),
          second_down_(picture.height, SIDE) {
        for (int j = 0; j < SIDE; ++j) columns_[j] = center(picture.width, j);
    }

    HM_INLINE void run() noexcept {
        const int height = picture_.height;
        const int last = height + first_down_.lead() - 1;
        int gathered = 0;
        for (int y = 0; y <= last; ++y) {
            if (y < height && y % LANES == 0) filter(y, std::min(LANES, height - y));
            const float* once = y < height ? first_down_.push(&rows_[(y % LANES) * width_])
                                           : first_down_.drop();
            if (once == nullptr) continue;
            std::copy(once, once + width_, &again_[gathered++ * width_]);
            if (gathered == LANES || y == last) {
                to_tile(again_.data(), picture_.width, tile_.data());
                box_across(tile_.data(), picture_.width, filtered_.data());
                for (int l = 0; l < gathered; ++l) pick_columns(l);
                gathered = 0;
            }
        }
        for (int i = 0; i < second_down_.lead(); ++i) pick_row(second_down_.drop());
    }

  private:
    // Filters sixteen rows along x into rows_.
    HM_INLINE void filter(int from, int rows) noexcept {
        for (int l = 0; l < rows; ++l) {
            luma(picture_.rows + (from + l) * picture_.stride, picture_.width, picture_.channels,
                 &rows_[l * width_]);
        }
        to_tile(rows_.data(), picture_.width, tile_.data());
        box_across(tile_.data(), picture_.width, filtered_.data());
        from_tile(filtered_.data(), picture_.width, rows_.data());
    }

    HM_INLINE void pick_columns(int lane) noexcept {
        float narrow[SIDE];
        for (int j = 0; j < SIDE; ++j) {
            narrow[j] = filtered_[static_cast<std::size_t>(columns_[j]) * LANES + lane];
        }
        if (const float* twice = second_down_.push(narrow)) pick_row(twice);
    }

    HM_INLINE void pick_row(const float* twice) noexcept {
        for (; next_ < SIDE && center(picture_.height, next_) == sampled_; ++next_) {
            std::copy(twice, twice + SIDE, out_ + next_ * SIDE);
        }
        ++sampled_;
    }

    const Picture& picture_;
    float* out_;
    std::size_t width_;
    std::vector<float> rows_, again_, tile_, filtered_;
    BoxDown first_down_, second_down_;
    int columns_[SIDE];
    int sampled_ = 0;  // rows that left the last filter
    int next_ = 0;     // the next sample row
};

HM_TARGET_AVX2 void run_avx2(Replay& replay) noexcept { replay.run(); }
HM_TARGET_AVX512 void run_avx512(Replay& replay) noexcept { replay.run(); }

}  // namespace

void replay(const Picture& picture, Level level, float* out) {
    if (picture.height == SIDE && picture.width == SIDE) {
        // the reference takes such a picture as it is
        for (int y = 0; y < SIDE; ++y) {
            luma(picture.rows + y * picture.stride, SIDE, picture.channels, out + y * SIDE);
        }
        return;
    }
    Replay replaying(picture, out);
    switch (level) {
        case AVX512:
            return run_avx512(replaying);
        case AVX2:
            return run_avx2(replaying);
        default:
            return replaying.run();
    }
}

}  // namespace pdq
}  // namespace hashmatch
