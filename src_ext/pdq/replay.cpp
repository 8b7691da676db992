// The samples as the reference rounds them.
//
// Where two coefficients nearly tie, the hash depends on the rounding errors of the reference's
// running float sums. This repeats those sums operation for operation, but streams the picture:
// sixteen rows side by side through the filter along x, one row at a time through the one along y.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "pdq.h"

#if HM_X86
#include <xmmintrin.h>
#endif

namespace hashmatch {
namespace pdq {
namespace {

constexpr int LANES = 16;  // rows filtered side by side

// A pixel of sixteen rows. A tile is as many of these as a row has pixels.
struct alignas(LANES * sizeof(float)) Column {
    float lane[LANES];
};

// As many floats as one register of the target holds.
#if defined(__GNUC__) || defined(__clang__)
typedef float Four __attribute__((vector_size(16)));
typedef float Eight __attribute__((vector_size(32)));
typedef float Sixteen __attribute__((vector_size(64)));
#else
using Four = float;
using Eight = float;
using Sixteen = float;
#endif

// Filters the rows of a tile along x.
template <typename Vector>
HM_INLINE void box_across(const Column* tile_in, int width, Column* tile_out) noexcept {
    constexpr int PARTS = sizeof(Column) / sizeof(Vector);
    const auto* in = reinterpret_cast<const Vector*>(tile_in);
    auto* out = reinterpret_cast<Vector*>(tile_out);
    const int w = window(width);
    const int lead = ahead(width);
    Vector sum[PARTS] = {};
    const Vector* add = in;
    const Vector* drop = in;
    const Vector* const end = in + static_cast<std::ptrdiff_t>(width) * PARTS;
    int count = 0;
    for (; count < lead; ++count, add += PARTS) {
        for (int p = 0; p < PARTS; ++p) sum[p] += add[p];
    }
    for (std::ptrdiff_t x = 0; x < width; ++x, out += PARTS) {
        if (add != end) {
            for (int p = 0; p < PARTS; ++p) sum[p] += add[p];
            add += PARTS;
            ++count;
        }
        if (count > w || x + lead >= width) {
            for (int p = 0; p < PARTS; ++p) sum[p] -= drop[p];
            drop += PARTS;
            --count;
        }
        const float by = static_cast<float>(count);
        for (int p = 0; p < PARTS; ++p) out[p] = sum[p] / by;
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
            }
            std::copy(row, row + width_, slot);
        } else {
            for (int x = 0; x < width_; ++x) sum[x] += row[x];
            std::copy(row, row + width_, slot);
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
HM_INLINE void luma(const std::uint8_t* HM_RESTRICT pixel, std::ptrdiff_t step, int width,
                    int channels, float* HM_RESTRICT out) noexcept {
    if (channels == 1) {
        for (int x = 0; x < width; ++x, pixel += step) out[x] = *pixel;
        return;
    }
    for (int x = 0; x < width; ++x, pixel += step) {
        out[x] = static_cast<float>(299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]);
    }
    for (int x = 0; x < width; ++x) out[x] /= 1000.0F;
}

HM_INLINE void luma_run(const std::uint8_t* pixel, std::ptrdiff_t step, int count, int channels,
                        float* out) noexcept {
    switch (step) {  // a step known when this is compiled lets it be vectorised
        case 1:
            return luma(pixel, 1, count, channels, out);
        case 3:
            return luma(pixel, 3, count, channels, out);
        case 4:
            return luma(pixel, 4, count, channels, out);
        case -3:
            return luma(pixel, -3, count, channels, out);
        case -4:
            return luma(pixel, -4, count, channels, out);
        default:
            return luma(pixel, step, count, channels, out);
    }
}

// Four rows of four floats to four columns.
HM_INLINE void transpose4(const float* in, std::ptrdiff_t step, float* out,
                          std::ptrdiff_t out_step) noexcept {
#if HM_X86
    __m128 a = _mm_loadu_ps(in), b = _mm_loadu_ps(in + step);
    __m128 c = _mm_loadu_ps(in + 2 * step), d = _mm_loadu_ps(in + 3 * step);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(out, a);
    _mm_storeu_ps(out + out_step, b);
    _mm_storeu_ps(out + 2 * out_step, c);
    _mm_storeu_ps(out + 3 * out_step, d);
#else
    for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 4; ++j) out[i * out_step + j] = in[j * step + i];
    }
#endif
}

// Sixteen rows, `stride` floats apart, a multiple of four, to a tile.
HM_INLINE void to_tile(const float* rows, std::ptrdiff_t stride, Column* tile) noexcept {
    for (std::ptrdiff_t x = 0; x < stride; x += 4) {
        for (int l = 0; l < LANES; l += 4) {
            transpose4(rows + l * stride + x, stride, tile[x].lane + l, LANES);
        }
    }
}

// And back.
HM_INLINE void from_tile(const Column* tile, std::ptrdiff_t stride, float* rows) noexcept {
    for (std::ptrdiff_t x = 0; x < stride; x += 4) {
        for (int l = 0; l < LANES; l += 4) {
            transpose4(tile[x].lane + l, LANES, rows + l * stride + x, stride);
        }
    }
}

class Replay {
  public:
    Replay(const Picture& picture, float* out)
        : picture_(picture),
          out_(out),
          stride_((static_cast<std::size_t>(picture.width) + 3) / 4 * 4),
          rows_(stride_ * LANES),
          again_(stride_ * LANES),
          tile_(stride_),
          filtered_(stride_),
          first_down_(picture.height, picture.width),
          second_down_(picture.height, SIDE) {
        for (int j = 0; j < SIDE; ++j) columns_[j] = center(picture.width, j);
    }

    template <typename Vector>
    HM_INLINE void run() noexcept {
        const int height = picture_.height;
        const int last = height + first_down_.lead() - 1;
        int gathered = 0;
        for (int y = 0; y <= last; ++y) {
            if (y < height && y % LANES == 0) filter<Vector>(y, std::min(LANES, height - y));
            const float* once = y < height ? first_down_.push(&rows_[(y % LANES) * stride_])
                                           : first_down_.drop();
            if (once == nullptr) continue;
            std::copy(once, once + picture_.width, &again_[gathered++ * stride_]);
            if (gathered == LANES || y == last) {
                to_tile(again_.data(), stride_, tile_.data());
                box_across<Vector>(tile_.data(), picture_.width, filtered_.data());
                for (int l = 0; l < gathered; ++l) pick_columns(l);
                gathered = 0;
            }
        }
        for (int i = 0; i < second_down_.lead(); ++i) pick_row(second_down_.drop());
    }

  private:
    // Filters sixteen rows along x into rows_.
    template <typename Vector>
    HM_INLINE void filter(int from, int rows) noexcept {
        const std::uint8_t* first = picture_.rows + from * picture_.stride;
        if (std::abs(picture_.step) > std::abs(picture_.stride)) {
            // a picture with swapped axes: what lies side by side is what a tile needs so
            for (int x = 0; x < picture_.width; ++x) {
                luma_run(first + x * picture_.step, picture_.stride, rows, picture_.channels,
                         tile_[x].lane);
            }
        } else {
            for (int l = 0; l < rows; ++l) {
                luma_run(first + l * picture_.stride, picture_.step, picture_.width,
                         picture_.channels, &rows_[l * stride_]);
            }
            to_tile(rows_.data(), stride_, tile_.data());
        }
        box_across<Vector>(tile_.data(), picture_.width, filtered_.data());
        from_tile(filtered_.data(), stride_, rows_.data());
    }

    HM_INLINE void pick_columns(int lane) noexcept {
        float narrow[SIDE];
        for (int j = 0; j < SIDE; ++j) {
            narrow[j] = filtered_[columns_[j]].lane[lane];
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
    std::size_t stride_;
    std::vector<float> rows_, again_;
    std::vector<Column> tile_, filtered_;
    BoxDown first_down_, second_down_;
    int columns_[SIDE];
    int sampled_ = 0;  // rows that left the last filter
    int next_ = 0;     // the next sample row
};

HM_TARGET_AVX2 void run_avx2(Replay& replay) noexcept { replay.run<Eight>(); }
HM_TARGET_AVX512 void run_avx512(Replay& replay) noexcept { replay.run<Sixteen>(); }

}  // namespace

void replay(const Picture& picture, Level level, float* out) {
    if (picture.height == SIDE && picture.width == SIDE) {
        // the reference takes such a picture as it is
        for (int y = 0; y < SIDE; ++y) {
            luma_run(picture.rows + y * picture.stride, picture.step, SIDE, picture.channels,
                     out + y * SIDE);
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
            return replaying.run<Four>();
    }
}

}  // namespace pdq
}  // namespace hashmatch
