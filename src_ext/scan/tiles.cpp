#include "scan/tiles.h"

#include <cstring>
#include <initializer_list>

#include "scan/bits.h"
#include "simd.h"

namespace hashmatch {

void make_tiles(const std::uint8_t* codes, std::size_t count, std::size_t size,
                std::size_t words, std::uint32_t* tiles) noexcept {
    const std::size_t whole = size / 4;
    for (std::size_t at = 0; at < count; ++at, codes += size) {
        std::uint32_t* lane = tiles + at / TILE * TILE * words + at % TILE;
        for (std::size_t w = 0; w < whole; ++w) std::memcpy(lane + w * TILE, codes + 4 * w, 4);
        if (whole < words) {
            std::uint32_t rest = 0;
            std::memcpy(&rest, codes + 4 * whole, size % 4);
            lane[whole * TILE] = rest;
        }
    }
}

namespace {

struct Emitter {
    std::uint32_t* positions;
    std::int32_t* distances;
    std::size_t count = 0;

    // Lanes of a tile that are within the limit, as a bit mask; those past the end are dropped.
    void take(std::uint32_t mask, std::size_t first, std::size_t end,
              const std::int32_t* sums) noexcept {
        if (end - first < TILE) mask &= (1U << (end - first)) - 1;
        for (; mask; mask &= mask - 1) {
            const int lane = lowest_bit(mask);
            positions[count] = static_cast<std::uint32_t>(first + static_cast<std::size_t>(lane));
            distances[count++] = sums[lane];
        }
    }
};

std::size_t tiles_scalar(const std::uint32_t* tiles, std::size_t count, std::size_t words,
                         std::size_t early, const std::uint32_t* query, std::int32_t limit,
                         std::uint32_t* positions, std::int32_t* distances) noexcept {
    Emitter out{positions, distances};
    for (std::size_t first = 0; first < count; first += TILE, tiles += TILE * words) {
        std::int32_t sums[TILE] = {};
        std::uint32_t mask = 0;
        std::size_t word = 0;
        for (std::size_t stop : {early, words}) {
            for (; word < stop; ++word)
                for (std::size_t lane = 0; lane < TILE; ++lane)
                    sums[lane] += bit_count(tiles[word * TILE + lane] ^ query[word]);
            mask = 0;
            for (std::size_t lane = 0; lane < TILE; ++lane)
                mask |= static_cast<std::uint32_t>(sums[lane] <= limit) << lane;
            if (!mask) break;
        }
        if (mask) out.take(mask, first, count, sums);
    }
    return out.count;
}

#if HM_X86

HM_TARGET_AVX2 inline __m256i bit_counts_avx2(__m256i x) noexcept {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    return _mm256_add_epi8(
        _mm256_shuffle_epi8(table, _mm256_and_si256(x, low)),
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
}

HM_TARGET_AVX2 inline __m256i add_bytes_avx2(__m256i sums, __m256i bytes) noexcept {
    const __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

// Counts of bits stay in bytes for up to this many words: 15 * 8 fits in a signed byte.
constexpr std::size_t BYTE_SUMS = 15;

HM_TARGET_AVX2 std::size_t tiles_avx2(const std::uint32_t* tiles, std::size_t count,
                                      std::size_t words, std::size_t early,
                                      const std::uint32_t* query, std::int32_t limit,
                                      std::uint32_t* positions, std::int32_t* distances) noexcept {
    Emitter out{positions, distances};
    const __m256i beyond = _mm256_set1_epi32(limit);
    for (std::size_t first = 0; first < count; first += TILE, tiles += TILE * words) {
        __m256i low = _mm256_setzero_si256(), high = low;
        std::uint32_t mask = 0;
        std::size_t word = 0;
        for (std::size_t stop : {early, words}) {
            while (word < stop) {
                __m256i a = _mm256_setzero_si256(), b = a;
                for (std::size_t k = 0; k < BYTE_SUMS && word < stop; ++k, ++word) {
                    const __m256i q = _mm256_set1_epi32(static_cast<int>(query[word]));
                    const auto* at = reinterpret_cast<const __m256i*>(tiles + word * TILE);
                    a = _mm256_add_epi8(a, bit_counts_avx2(_mm256_xor_si256(
                                               _mm256_loadu_si256(at), q)));
                    b = _mm256_add_epi8(b, bit_counts_avx2(_mm256_xor_si256(
                                               _mm256_loadu_si256(at + 1), q)));
                }
                low = add_bytes_avx2(low, a);
                high = add_bytes_avx2(high, b);
            }
            const int far_low =
                _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(low, beyond)));
            const int far_high =
                _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(high, beyond)));
            mask = ~static_cast<std::uint32_t>(far_low | far_high << 8) & 0xFFFFU;
            if (!mask) break;
        }
        if (!mask) continue;
        std::int32_t sums[TILE];
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), low);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 8), high);
        out.take(mask, first, count, sums);
    }
    return out.count;
}

HM_TARGET_AVX512 inline __m512i differing(const std::uint32_t* tile, __m512i query) noexcept {
    return _mm512_popcnt_epi32(_mm512_xor_si512(_mm512_loadu_si512(tile), query));
}

// The first EARLY words of the query stay in registers.
template <int EARLY>
HM_TARGET_AVX512 std::size_t tiles_avx512(const std::uint32_t* tiles, std::size_t count,
                                          std::size_t words, const std::uint32_t* query,
                                          std::int32_t limit, std::uint32_t* positions,
                                          std::int32_t* distances) noexcept {
    Emitter out{positions, distances};
    const __m512i within = _mm512_set1_epi32(limit);
    __m512i q[EARLY];
    for (int w = 0; w < EARLY; ++w) q[w] = _mm512_set1_epi32(static_cast<int>(query[w]));
    for (std::size_t first = 0; first < count; first += TILE, tiles += TILE * words) {
        __m512i sum = differing(tiles, q[0]);
        for (int w = 1; w < EARLY; ++w)
            sum = _mm512_add_epi32(sum, differing(tiles + w * static_cast<int>(TILE), q[w]));
        if (!_mm512_cmple_epi32_mask(sum, within)) continue;
        for (std::size_t w = EARLY; w < words; ++w)
            sum = _mm512_add_epi32(sum, differing(tiles + w * TILE,
                                                  _mm512_set1_epi32(static_cast<int>(query[w]))));
        const __mmask16 mask = _mm512_cmple_epi32_mask(sum, within);
        if (!mask) continue;
        std::int32_t sums[TILE];
        _mm512_storeu_si512(sums, sum);
        out.take(mask, first, count, sums);
    }
    return out.count;
}

std::size_t tiles_avx512_any(const std::uint32_t* tiles, std::size_t count, std::size_t words,
                             std::size_t early, const std::uint32_t* query, std::int32_t limit,
                             std::uint32_t* positions, std::int32_t* distances) noexcept {
    switch (early) {
        case 1: return tiles_avx512<1>(tiles, count, words, query, limit, positions, distances);
        case 2: return tiles_avx512<2>(tiles, count, words, query, limit, positions, distances);
        case 3: return tiles_avx512<3>(tiles, count, words, query, limit, positions, distances);
        case 4: return tiles_avx512<4>(tiles, count, words, query, limit, positions, distances);
        case 5: return tiles_avx512<5>(tiles, count, words, query, limit, positions, distances);
        case 6: return tiles_avx512<6>(tiles, count, words, query, limit, positions, distances);
        case 7: return tiles_avx512<7>(tiles, count, words, query, limit, positions, distances);
        default: return tiles_avx512<8>(tiles, count, words, query, limit, positions, distances);
    }
}

#endif

#if HM_ARM64

std::size_t tiles_neon(const std::uint32_t* tiles, std::size_t count, std::size_t words,
                       std::size_t early, const std::uint32_t* query, std::int32_t limit,
                       std::uint32_t* positions, std::int32_t* distances) noexcept {
    Emitter out{positions, distances};
    for (std::size_t first = 0; first < count; first += TILE, tiles += TILE * words) {
        uint32x4_t sums[4] = {vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)};
        std::int32_t stored[TILE];
        std::uint32_t mask = 0;
        std::size_t word = 0;
        for (std::size_t stop : {early, words}) {
            for (; word < stop; ++word) {
                const uint32x4_t q = vdupq_n_u32(query[word]);
                for (int part = 0; part < 4; ++part) {
                    const uint32x4_t x = veorq_u32(vld1q_u32(tiles + word * TILE + 4 * part), q);
                    const uint8x16_t bits = vcntq_u8(vreinterpretq_u8_u32(x));
                    sums[part] = vpadalq_u16(sums[part], vpaddlq_u8(bits));
                }
            }
            mask = 0;
            for (int part = 0; part < 4; ++part)
                vst1q_s32(stored + 4 * part, vreinterpretq_s32_u32(sums[part]));
            for (std::size_t lane = 0; lane < TILE; ++lane)
                mask |= static_cast<std::uint32_t>(stored[lane] <= limit) << lane;
            if (!mask) break;
        }
        if (mask) out.take(mask, first, count, stored);
    }
    return out.count;
}

#endif

}  // namespace

TileKernel tile_kernel(int level) noexcept {
#if HM_X86
    if (level == AVX512) return &tiles_avx512_any;
    if (level == AVX2) return &tiles_avx2;
#endif
#if HM_ARM64
    if (level == NEON) return &tiles_neon;
#endif
    return &tiles_scalar;
}

}  // namespace hashmatch
