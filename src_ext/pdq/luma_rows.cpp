// Two rows at a time are brought side by side, byte by byte, so that one instruction weighs both
// and adds them as 16-bit numbers. Rows are taken in runs that 16 bits can hold the sum of; after
// each run it is widened. Mirrored pictures need sums of nearly the same rows with other weights:
// both are taken from one reading.
#include "pdq/luma_rows.h"

#include <algorithm>
#include <cstddef>

#include "simd.h"
#include "sum_rows.h"

namespace hashmatch {
namespace pdq {
namespace {

constexpr double RED = 299.0, GREEN = 587.0, BLUE = 114.0;

// What the columns of `step` bytes a pixel come to as luma.
template <int STEP>
HM_INLINE void fold(const std::int32_t* columns, int width, double* out) noexcept {
    for (int x = 0; x < width; ++x) {
        if (STEP == 1) {
            out[x] = columns[x];
        } else {
            const std::int32_t* pixel = columns + static_cast<std::ptrdiff_t>(x) * STEP;
            out[x] = RED * pixel[0] + GREEN * pixel[1] + BLUE * pixel[2];
        }
    }
}

HM_INLINE void fold_any(const std::int32_t* columns, const Picture& picture, double* out) noexcept {
    if (picture.channels == 1) return fold<1>(columns, picture.width, out);
    if (picture.step == 3) return fold<3>(columns, picture.width, out);
    fold<4>(columns, picture.width, out);
}

// up to the last channel of the last pixel: what may follow it is not ours to read
inline std::size_t bytes_of(const Picture& picture) noexcept {
    return static_cast<std::size_t>(picture.width - 1) * static_cast<std::size_t>(picture.step) +
           static_cast<std::size_t>(picture.channels);
}

void any_weights(const Picture& picture, const RowWeights& weights, Level level,
                 double* const out[MOST_WAYS]) {
    const std::size_t bytes = bytes_of(picture);
    std::vector<std::int32_t> columns(room_for(bytes));
    for (int way = 0; way < weights.ways; ++way) {
        sum_rows(picture.rows + weights.first * picture.stride, picture.stride, bytes,
                 weights.of[way].data(), static_cast<int>(weights.of[way].size()), level,
                 columns.data());
        fold_any(columns.data(), picture, out[way]);
    }
}

#if HM_X86

constexpr int LARGEST_WEIGHT = 64;  // two such weights times 255 stay within signed 16 bits
constexpr int MOST_IN_RUN = 257;    // weights in a run: times 255 they stay within unsigned 16 bits
constexpr std::size_t MOST_PAIRS = 10;  // in a run: more rows at a time than are fetched ahead well
constexpr std::size_t STRIP_PIXELS = 1024;  // that run after run goes over, so they stay in cache

struct Pair {
    const std::uint8_t* row[2];
    std::int16_t weight[MOST_WAYS];  // of the first row in the low byte, of the second in the high
};
using Run = std::vector<Pair>;

std::vector<Run> runs_of(const Picture& picture, const RowWeights& weights) {
    const int taps = static_cast<int>(weights.of[0].size());
    std::vector<Run> runs(1);
    int in_run[MOST_WAYS] = {};
    for (int k = 0; k < taps; k += 2) {
        const int second = k + 1 < taps ? k + 1 : k;  // a row that is there, weighing nothing
        Pair pair{};
        pair.row[0] = picture.rows + (weights.first + k) * picture.stride;
        pair.row[1] = picture.rows + (weights.first + second) * picture.stride;
        bool full = runs.back().size() == MOST_PAIRS;
        int both[MOST_WAYS] = {};
        for (int way = 0; way < weights.ways; ++way) {
            const int low = weights.of[way][static_cast<std::size_t>(k)];
            const int high = second > k ? weights.of[way][static_cast<std::size_t>(second)] : 0;
            pair.weight[way] = static_cast<std::int16_t>(low | high << 8);
            both[way] = low + high;
            full = full || in_run[way] + both[way] > MOST_IN_RUN;
        }
        if (full) runs.emplace_back();
        for (int way = 0; way < weights.ways; ++way) {
            in_run[way] = (full ? 0 : in_run[way]) + both[way];
        }
        runs.back().push_back(pair);
    }
    return runs;
}

bool small(const RowWeights& weights) noexcept {
    for (int way = 0; way < weights.ways; ++way) {
        for (const std::int16_t weight : weights.of[way]) {
            if (weight > LARGEST_WEIGHT) return false;
        }
    }
    return true;
}

// Sums of 16 bits are unsigned, but multiplied as signed: 2^15 less, which is added again later.
constexpr std::int32_t LESS = 32768 * 1000;
constexpr std::size_t AHEAD = 512;  // bytes of a row that are fetched before they are read

// Pixels of STEP bytes, sixteen at a time, in four bytes each.
template <int STEP>
HM_TARGET_AVX512 inline __m512i sixteen_pixels(const std::uint8_t* from, __mmask64 mask) noexcept {
    const __m512i bytes = _mm512_maskz_loadu_epi8(mask, from);
    if (STEP == 4) return bytes;
    const __m512i quarters = _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    const __m512i apart = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11));
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(quarters, bytes), apart);
}

// Adds a run to the lumas of pixels [from, to), or begins them with it.
template <int WAYS, int STEP>
HM_TARGET_AVX512 void colour_avx512(const Run& run, bool begin, std::size_t from, std::size_t to,
                                    std::int32_t* const lumas[MOST_WAYS]) noexcept {
    const __m512i luma = _mm512_set1_epi64(299LL | 587LL << 16 | 114LL << 32);
    const __m512i top = _mm512_set1_epi16(static_cast<short>(0x8000));
    for (std::size_t pixel = from; pixel < to; pixel += 16) {
        const std::size_t x = pixel * STEP, left = to - pixel;
        // the last pixel's fourth byte may not be ours to read
        const std::size_t bytes = left < 16 || STEP == 3 ? std::min<std::size_t>(left, 16) * STEP -
                                                               (STEP - 3)
                                                         : 63;
        const __mmask64 mask = (__mmask64{1} << bytes) - 1;
        __m512i low[WAYS], high[WAYS];
        for (int way = 0; way < WAYS; ++way) low[way] = high[way] = _mm512_setzero_si512();
        for (const Pair& pair : run) {
            HM_PREFETCH(pair.row[0] + x + AHEAD);
            HM_PREFETCH(pair.row[1] + x + AHEAD);
            const __m512i a = sixteen_pixels<STEP>(pair.row[0] + x, mask);
            const __m512i b = sixteen_pixels<STEP>(pair.row[1] + x, mask);
            const __m512i ab = _mm512_unpacklo_epi8(a, b), cd = _mm512_unpackhi_epi8(a, b);
            for (int way = 0; way < WAYS; ++way) {
                const __m512i by = _mm512_set1_epi16(pair.weight[way]);
                low[way] = _mm512_add_epi16(low[way], _mm512_maddubs_epi16(ab, by));
                high[way] = _mm512_add_epi16(high[way], _mm512_maddubs_epi16(cd, by));
            }
        }
        for (int way = 0; way < WAYS; ++way) {
            // red and green together, blue beside them, for two pixels in each 128 bits
            const __m512 first = _mm512_castsi512_ps(
                _mm512_madd_epi16(_mm512_xor_si512(low[way], top), luma));
            const __m512 second = _mm512_castsi512_ps(
                _mm512_madd_epi16(_mm512_xor_si512(high[way], top), luma));
            const __m512i sum =
                _mm512_add_epi32(_mm512_castps_si512(_mm512_shuffle_ps(first, second, 0x88)),
                                 _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0xDD)));
            std::int32_t* at = lumas[way] + pixel;
            const __m512i before = begin ? _mm512_setzero_si512() : _mm512_loadu_si512(at);
            _mm512_storeu_si512(
                at, _mm512_add_epi32(before, _mm512_add_epi32(sum, _mm512_set1_epi32(LESS))));
        }
    }
}

// Adds a run to the sums of columns [from, to), or begins them with it.
template <int WAYS>
HM_TARGET_AVX512 void columns_avx512(const Run& run, bool begin, std::size_t from, std::size_t to,
                                     std::int32_t* const columns[MOST_WAYS]) noexcept {
    const __m512i first_half = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i second_half = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (std::size_t x = from; x < to; x += 64) {
        const std::size_t left = to - x;
        const __mmask64 mask = left < 64 ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
        __m512i low[WAYS], high[WAYS];
        for (int way = 0; way < WAYS; ++way) low[way] = high[way] = _mm512_setzero_si512();
        for (const Pair& pair : run) {
            HM_PREFETCH(pair.row[0] + x + AHEAD);
            HM_PREFETCH(pair.row[1] + x + AHEAD);
            const __m512i a = _mm512_maskz_loadu_epi8(mask, pair.row[0] + x);
            const __m512i b = _mm512_maskz_loadu_epi8(mask, pair.row[1] + x);
            const __m512i ab = _mm512_unpacklo_epi8(a, b), cd = _mm512_unpackhi_epi8(a, b);
            for (int way = 0; way < WAYS; ++way) {
                const __m512i by = _mm512_set1_epi16(pair.weight[way]);
                low[way] = _mm512_add_epi16(low[way], _mm512_maddubs_epi16(ab, by));
                high[way] = _mm512_add_epi16(high[way], _mm512_maddubs_epi16(cd, by));
            }
        }
        for (int way = 0; way < WAYS; ++way) {
            const __m512i half[2] = {
                _mm512_permutex2var_epi64(low[way], first_half, high[way]),
                _mm512_permutex2var_epi64(low[way], second_half, high[way])};
            for (int q = 0; q < 4; ++q) {
                std::int32_t* at = columns[way] + x + 16 * q;
                const __m256i sixteen = q % 2 ? _mm512_extracti64x4_epi64(half[q / 2], 1)
                                              : _mm512_castsi512_si256(half[q / 2]);
                const __m512i before = begin ? _mm512_setzero_si512() : _mm512_loadu_si512(at);
                _mm512_storeu_si512(at, _mm512_add_epi32(before, _mm512_cvtepu16_epi32(sixteen)));
            }
        }
    }
}

HM_TARGET_AVX512 void widened_avx512(const std::int32_t* lumas, int width, double* out) noexcept {
    fold<1>(lumas, width, out);
}

template <int WAYS>
HM_TARGET_AVX2 void columns_avx2(const Run& run, bool begin, std::size_t from, std::size_t to,
                                 std::int32_t* const columns[MOST_WAYS]) noexcept {
    for (std::size_t x = from; x < to; x += 32) {
        const std::size_t left = to - x;
        __m256i low[WAYS], high[WAYS];
        for (int way = 0; way < WAYS; ++way) low[way] = high[way] = _mm256_setzero_si256();
        for (const Pair& pair : run) {
            HM_PREFETCH(pair.row[0] + x + AHEAD);
            HM_PREFETCH(pair.row[1] + x + AHEAD);
            const __m256i a = load_some(pair.row[0] + x, left);
            const __m256i b = load_some(pair.row[1] + x, left);
            const __m256i ab = _mm256_unpacklo_epi8(a, b), cd = _mm256_unpackhi_epi8(a, b);
            for (int way = 0; way < WAYS; ++way) {
                const __m256i by = _mm256_set1_epi16(pair.weight[way]);
                low[way] = _mm256_add_epi16(low[way], _mm256_maddubs_epi16(ab, by));
                high[way] = _mm256_add_epi16(high[way], _mm256_maddubs_epi16(cd, by));
            }
        }
        for (int way = 0; way < WAYS; ++way) {
            const __m256i half[2] = {_mm256_permute2x128_si256(low[way], high[way], 0x20),
                                     _mm256_permute2x128_si256(low[way], high[way], 0x31)};
            for (int q = 0; q < 4; ++q) {
                auto* at = reinterpret_cast<__m256i*>(columns[way] + x + 8 * q);
                const __m128i eight = q % 2 ? _mm256_extracti128_si256(half[q / 2], 1)
                                            : _mm256_castsi256_si128(half[q / 2]);
                const __m256i before = begin ? _mm256_setzero_si256() : _mm256_loadu_si256(at);
                _mm256_storeu_si256(at, _mm256_add_epi32(before, _mm256_cvtepu16_epi32(eight)));
            }
        }
    }
}

HM_TARGET_AVX2 void fold_avx2(const std::int32_t* columns, const Picture& picture,
                              double* out) noexcept {
    fold_any(columns, picture, out);
}

using Kernel = void (*)(const Run& run, bool begin, std::size_t from, std::size_t to,
                        std::int32_t* const sums[MOST_WAYS]) noexcept;

void small_weights(const Picture& picture, const RowWeights& weights, Level level,
                   double* const out[MOST_WAYS]) {
    const bool two = weights.ways == 2;
    const bool by_pixels = level == AVX512 && picture.channels == 3;
    Kernel kernel = two ? &columns_avx2<2> : &columns_avx2<1>;
    if (by_pixels && picture.step == 4) {
        kernel = two ? &colour_avx512<2, 4> : &colour_avx512<1, 4>;
    } else if (by_pixels) {
        kernel = two ? &colour_avx512<2, 3> : &colour_avx512<1, 3>;
    } else if (level == AVX512) {
        kernel = two ? &columns_avx512<2> : &columns_avx512<1>;
    }
    const std::size_t end = by_pixels ? static_cast<std::size_t>(picture.width) : bytes_of(picture);
    const std::size_t strip = by_pixels ? STRIP_PIXELS : STRIP_PIXELS * 4, room = room_for(end);
    std::vector<std::int32_t> all(room * static_cast<std::size_t>(weights.ways));
    std::int32_t* const sums[MOST_WAYS] = {all.data(), all.data() + (two ? room : 0)};
    const std::vector<Run> runs = runs_of(picture, weights);
    for (std::size_t from = 0; from < end; from += strip) {
        for (std::size_t r = 0; r < runs.size(); ++r) {
            kernel(runs[r], r == 0, from, std::min(end, from + strip), sums);
        }
    }
    for (int way = 0; way < weights.ways; ++way) {
        if (level == AVX512) {
            widened_avx512(sums[way], picture.width, out[way]);
        } else {
            fold_avx2(sums[way], picture, out[way]);
        }
    }
}

#endif

}  // namespace

void luma_rows(const Picture& picture, const RowWeights& weights, Level level,
               double* const out[MOST_WAYS]) {
#if HM_X86
    if ((level == AVX512 || level == AVX2) && small(weights)) {
        return small_weights(picture, weights, level, out);
    }
#endif
    any_weights(picture, weights, level, out);
}

}  // namespace pdq
}  // namespace hashmatch
