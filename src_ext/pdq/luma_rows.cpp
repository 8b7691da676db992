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

struct Pair {
    const std::uint8_t* row[2];
    std::int16_t weight[MOST_WAYS];  // of the first row in the low byte, of the second in the high
    bool last;                       // of its run
};

std::vector<Pair> pairs_of(const Picture& picture, const RowWeights& weights) {
    const int taps = static_cast<int>(weights.of[0].size());
    std::vector<Pair> pairs;
    pairs.reserve(static_cast<std::size_t>(taps + 1) / 2);
    int in_run[MOST_WAYS] = {};
    for (int k = 0; k < taps; k += 2) {
        const int second = k + 1 < taps ? k + 1 : k;  // a row that is there, weighing nothing
        Pair pair{};
        pair.row[0] = picture.rows + (weights.first + k) * picture.stride;
        pair.row[1] = picture.rows + (weights.first + second) * picture.stride;
        bool full = false;
        int both[MOST_WAYS] = {};
        for (int way = 0; way < weights.ways; ++way) {
            const int low = weights.of[way][static_cast<std::size_t>(k)];
            const int high = second > k ? weights.of[way][static_cast<std::size_t>(second)] : 0;
            pair.weight[way] = static_cast<std::int16_t>(low | high << 8);
            both[way] = low + high;
            full = full || in_run[way] + both[way] > MOST_IN_RUN;
        }
        if (full) pairs.back().last = true;
        for (int way = 0; way < weights.ways; ++way) {
            in_run[way] = (full ? 0 : in_run[way]) + both[way];
        }
        pairs.push_back(pair);
    }
    pairs.back().last = true;
    return pairs;
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

template <int WAYS>
HM_TARGET_AVX512 void colour_avx512(const std::vector<Pair>& pairs, std::size_t bytes,
                                    double* const out[MOST_WAYS]) noexcept {
    const __m512i luma = _mm512_set1_epi64(299LL | 587LL << 16 | 114LL << 32);
    const __m512i top = _mm512_set1_epi16(static_cast<short>(0x8000));
    for (std::size_t x = 0; x < bytes; x += 64) {
        const std::size_t left = bytes - x;
        const __mmask64 mask = left < 64 ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
        __m512i total[WAYS], low[WAYS], high[WAYS];
        for (int way = 0; way < WAYS; ++way) {
            total[way] = low[way] = high[way] = _mm512_setzero_si512();
        }
        for (const Pair& pair : pairs) {
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
            if (!pair.last) continue;
            for (int way = 0; way < WAYS; ++way) {
                // red and green together, blue beside them, for two pixels in each 128 bits
                const __m512 first = _mm512_castsi512_ps(
                    _mm512_madd_epi16(_mm512_xor_si512(low[way], top), luma));
                const __m512 second = _mm512_castsi512_ps(
                    _mm512_madd_epi16(_mm512_xor_si512(high[way], top), luma));
                const __m512i sum = _mm512_add_epi32(
                    _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0x88)),
                    _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0xDD)));
                total[way] = _mm512_add_epi32(
                    total[way], _mm512_add_epi32(sum, _mm512_set1_epi32(LESS)));
                low[way] = high[way] = _mm512_setzero_si512();
            }
        }
        for (int way = 0; way < WAYS; ++way) {
            double* to = out[way] + x / 4;
            _mm512_storeu_pd(to, _mm512_cvtepi32_pd(_mm512_castsi512_si256(total[way])));
            _mm512_storeu_pd(to + 8,
                             _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(total[way], 1)));
        }
    }
}

template <int WAYS>
HM_TARGET_AVX512 void columns_avx512(const std::vector<Pair>& pairs, std::size_t bytes,
                                     std::int32_t* const columns[MOST_WAYS]) noexcept {
    const __m512i first_half = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i second_half = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (std::size_t x = 0; x < bytes; x += 64) {
        const std::size_t left = bytes - x;
        const __mmask64 mask = left < 64 ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
        __m512i total[WAYS][4], low[WAYS], high[WAYS];
        for (int way = 0; way < WAYS; ++way) {
            low[way] = high[way] = _mm512_setzero_si512();
            for (auto& part : total[way]) part = _mm512_setzero_si512();
        }
        for (const Pair& pair : pairs) {
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
            if (!pair.last) continue;
            for (int way = 0; way < WAYS; ++way) {
                const __m512i half[2] = {
                    _mm512_permutex2var_epi64(low[way], first_half, high[way]),
                    _mm512_permutex2var_epi64(low[way], second_half, high[way])};
                for (int q = 0; q < 4; ++q) {
                    const __m256i sixteen = q % 2 ? _mm512_extracti64x4_epi64(half[q / 2], 1)
                                                  : _mm512_castsi512_si256(half[q / 2]);
                    total[way][q] =
                        _mm512_add_epi32(total[way][q], _mm512_cvtepu16_epi32(sixteen));
                }
                low[way] = high[way] = _mm512_setzero_si512();
            }
        }
        for (int way = 0; way < WAYS; ++way) {
            for (int q = 0; q < 4; ++q) {
                _mm512_storeu_si512(columns[way] + x + 16 * q, total[way][q]);
            }
        }
    }
}

HM_TARGET_AVX512 void fold_avx512(const std::int32_t* columns, const Picture& picture,
                                  double* out) noexcept {
    fold_any(columns, picture, out);
}

template <int WAYS>
HM_TARGET_AVX2 void columns_avx2(const std::vector<Pair>& pairs, std::size_t bytes,
                                 std::int32_t* const columns[MOST_WAYS]) noexcept {
    for (std::size_t x = 0; x < bytes; x += 32) {
        const std::size_t left = bytes - x;
        __m256i total[WAYS][4], low[WAYS], high[WAYS];
        for (int way = 0; way < WAYS; ++way) {
            low[way] = high[way] = _mm256_setzero_si256();
            for (auto& part : total[way]) part = _mm256_setzero_si256();
        }
        for (const Pair& pair : pairs) {
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
            if (!pair.last) continue;
            for (int way = 0; way < WAYS; ++way) {
                const __m256i half[2] = {_mm256_permute2x128_si256(low[way], high[way], 0x20),
                                         _mm256_permute2x128_si256(low[way], high[way], 0x31)};
                for (int q = 0; q < 4; ++q) {
                    const __m128i eight = q % 2 ? _mm256_extracti128_si256(half[q / 2], 1)
                                                : _mm256_castsi256_si128(half[q / 2]);
                    total[way][q] = _mm256_add_epi32(total[way][q], _mm256_cvtepu16_epi32(eight));
                }
                low[way] = high[way] = _mm256_setzero_si256();
            }
        }
        for (int way = 0; way < WAYS; ++way) {
            for (int q = 0; q < 4; ++q) {
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(columns[way] + x + 8 * q),
                                    total[way][q]);
            }
        }
    }
}

HM_TARGET_AVX2 void fold_avx2(const std::int32_t* columns, const Picture& picture,
                              double* out) noexcept {
    fold_any(columns, picture, out);
}

void small_weights(const Picture& picture, const RowWeights& weights, Level level,
                   double* const out[MOST_WAYS]) {
    const std::vector<Pair> pairs = pairs_of(picture, weights);
    const std::size_t bytes = bytes_of(picture);
    if (level == AVX512 && picture.channels == 3 && picture.step == 4) {
        if (weights.ways == 1) return colour_avx512<1>(pairs, bytes, out);
        return colour_avx512<2>(pairs, bytes, out);
    }
    const std::size_t room = room_for(bytes);
    std::vector<std::int32_t> sums(room * static_cast<std::size_t>(weights.ways));
    std::int32_t* const columns[MOST_WAYS] = {sums.data(), sums.data() + room * (weights.ways > 1)};
    if (level == AVX512) {
        weights.ways == 1 ? columns_avx512<1>(pairs, bytes, columns)
                          : columns_avx512<2>(pairs, bytes, columns);
    } else {
        weights.ways == 1 ? columns_avx2<1>(pairs, bytes, columns)
                          : columns_avx2<2>(pairs, bytes, columns);
    }
    for (int way = 0; way < weights.ways; ++way) {
        level == AVX512 ? fold_avx512(columns[way], picture, out[way])
                        : fold_avx2(columns[way], picture, out[way]);
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
