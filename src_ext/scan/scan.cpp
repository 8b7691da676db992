#include "scan/scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "scan/bits.h"
#include "scan/tiles.h"
#include "simd.h"

namespace hashmatch {
namespace {

constexpr std::size_t BLOCK = 512;  // codes that are scanned for all queries before the next ones
constexpr std::size_t BATCH = 3;    // from so many queries on, laying out tiles is worth it

// Words after which almost no code of evenly distributed bits is still within the radius: three
// and a quarter standard deviations below the mean of half the bits, so under one in a thousand.
std::size_t early_words(std::size_t words, int radius) noexcept {
    for (std::size_t early = 1; early < std::min<std::size_t>(words, 8); ++early) {
        const double bits = 32.0 * static_cast<double>(early);
        if (bits / 2 - 3.25 * std::sqrt(bits) / 2 > radius) return early;
    }
    return std::min<std::size_t>(words, 8);
}

// One query against codes as they are stored, for when too few queries share them. Calls
// take(position, distance) for every code within the limit.
template <typename Take>
void rows_plain(const std::uint8_t* codes, std::size_t count, std::size_t size,
                const std::uint8_t* query, std::int32_t limit, Take take) {
    for (std::size_t at = 0; at < count; ++at) {
        const int d = distance(codes + at * size, query, size);
        if (d <= limit) take(at, d);
    }
}

#if HM_X86

template <typename Take>
HM_TARGET_AVX2 void rows_popcnt(const std::uint8_t* codes, std::size_t count, std::size_t size,
                                const std::uint8_t* query, std::int32_t limit, Take take) {
    if (size == 32) {
        const std::uint64_t a = load64(query), b = load64(query + 8), c = load64(query + 16),
                            d = load64(query + 24);
        for (std::size_t at = 0; at < count; ++at, codes += 32) {
            const auto sum = _mm_popcnt_u64(load64(codes) ^ a) +
                             _mm_popcnt_u64(load64(codes + 8) ^ b) +
                             _mm_popcnt_u64(load64(codes + 16) ^ c) +
                             _mm_popcnt_u64(load64(codes + 24) ^ d);
            if (sum <= limit) take(at, static_cast<std::int32_t>(sum));
        }
        return;
    }
    for (std::size_t at = 0; at < count; ++at, codes += size) {
        std::int64_t sum = 0;
        std::size_t byte = 0;
        for (; byte + 8 <= size; byte += 8)
            sum += _mm_popcnt_u64(load64(codes + byte) ^ load64(query + byte));
        for (; byte < size; ++byte) sum += _mm_popcnt_u32(codes[byte] ^ query[byte]);
        if (sum <= limit) take(at, static_cast<std::int32_t>(sum));
    }
}

// Eight codes of 32 bytes at a time. The pairwise sums leave the distances of codes 0..7 in the
// lanes 0 2 4 6 -> 0 2 1 3, so LANE gives the code of a lane.
template <typename Take>
HM_TARGET_AVX512 void rows_avx512(const std::uint8_t* codes, std::size_t count, std::size_t size,
                                  const std::uint8_t* query, std::int32_t limit, Take take) {
    static constexpr int LANE[8] = {0, 2, 1, 3, 4, 6, 5, 7};
    std::size_t at = 0;
    if (size == 32) {
        const __m512i q = _mm512_broadcast_i64x4(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query)));
        const __m512i within = _mm512_set1_epi64(limit);
        for (; at + 8 <= count; at += 8) {
            const std::uint8_t* from = codes + at * 32;
            // the hardware's own prefetcher stops at every 4 KiB page
            _mm_prefetch(reinterpret_cast<const char*>(from + 4096), _MM_HINT_T0);
            _mm_prefetch(reinterpret_cast<const char*>(from + 4160), _MM_HINT_T0);
            _mm_prefetch(reinterpret_cast<const char*>(from + 4224), _MM_HINT_T0);
            _mm_prefetch(reinterpret_cast<const char*>(from + 4288), _MM_HINT_T0);
            const __m512i a = _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(from), q));
            const __m512i b =
                _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(from + 64), q));
            const __m512i c =
                _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(from + 128), q));
            const __m512i d =
                _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(from + 192), q));
            const __m512i ab =
                _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
            const __m512i cd =
                _mm512_add_epi64(_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
            const __m512i sum = _mm512_add_epi64(_mm512_shuffle_i64x2(ab, cd, 0x88),
                                                 _mm512_shuffle_i64x2(ab, cd, 0xDD));
            if (!_mm512_cmple_epi64_mask(sum, within)) continue;
            std::int64_t sums[8], ordered[8];
            _mm512_storeu_si512(sums, sum);
            for (int lane = 0; lane < 8; ++lane) ordered[LANE[lane]] = sums[lane];
            for (int lane = 0; lane < 8; ++lane)
                if (ordered[lane] <= limit)
                    take(at + static_cast<std::size_t>(lane),
                         static_cast<std::int32_t>(ordered[lane]));
        }
    } else if (size == 8) {
        const __m512i q = _mm512_set1_epi64(static_cast<long long>(load64(query)));
        const __m512i within = _mm512_set1_epi64(limit);
        for (; at + 8 <= count; at += 8) {
            const __m512i sum =
                _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(codes + at * 8), q));
            std::uint32_t mask = _mm512_cmple_epi64_mask(sum, within);
            if (!mask) continue;
            std::int64_t sums[8];
            _mm512_storeu_si512(sums, sum);
            for (; mask; mask &= mask - 1) {
                const int lane = lowest_bit(mask);
                take(at + static_cast<std::size_t>(lane), static_cast<std::int32_t>(sums[lane]));
            }
        }
    }
    rows_popcnt(codes + at * size, count - at, size, query, limit,
                [&](std::size_t position, std::int32_t d) { take(at + position, d); });
}

#endif

template <typename Take>
void rows_within(int level, const std::uint8_t* codes, std::size_t count, std::size_t size,
                 const std::uint8_t* query, std::int32_t limit, Take take) {
#if HM_X86
    if (level == AVX512) return rows_avx512(codes, count, size, query, limit, take);
    if (level == AVX2) return rows_popcnt(codes, count, size, query, limit, take);
#endif
    rows_plain(codes, count, size, query, limit, take);
}

// Walks all codes block by block. limit(q) is asked before each block; take(q, row, distance) is
// called by ascending row for each query.
template <typename Limit, typename Take>
void walk(const Scan& scan, const std::uint8_t* queries, std::size_t count, int radius, int level,
          Limit limit, Take take) {
    const std::size_t size = scan.size;
    if (count < BATCH) {
        // so few queries are bound by memory, so a block need only be small enough to stay in
        // the cache for the second query
        constexpr std::size_t ROWS = 1 << 14;
        for (std::size_t first = 0; first < scan.rows; first += ROWS) {
            const std::size_t rows = std::min(ROWS, scan.rows - first);
            for (std::size_t q = 0; q < count; ++q)
                rows_within(level, scan.codes + first * size, rows, size, queries + q * size,
                            limit(q), [&](std::size_t at, std::int32_t d) {
                                if (!bit_at(scan.removed, first + at)) take(q, first + at, d);
                            });
        }
        return;
    }
    const std::size_t words = (size + 3) / 4;
    const std::size_t early = early_words(words, radius);
    const TileKernel kernel = tile_kernel(level);
    const std::size_t tile_words = BLOCK * words;
    std::unique_ptr<std::uint32_t[]> memory(
        new std::uint32_t[tile_words + count * words + 2 * BLOCK + 16]());
    auto* tiles = reinterpret_cast<std::uint32_t*>(
        (reinterpret_cast<std::uintptr_t>(memory.get()) + 63) & ~std::uintptr_t{63});
    std::uint32_t* asked = tiles + tile_words;
    std::uint32_t* positions = asked + count * words;
    auto* distances = reinterpret_cast<std::int32_t*>(positions + BLOCK);
    for (std::size_t q = 0; q < count; ++q)
        std::memcpy(asked + q * words, queries + q * size, size);
    for (std::size_t first = 0; first < scan.rows; first += BLOCK) {
        const std::size_t rows = std::min(BLOCK, scan.rows - first);
        make_tiles(scan.codes + first * size, rows, size, words, tiles);
        for (std::size_t q = 0; q < count; ++q) {
            const std::size_t found = kernel(tiles, rows, words, early, asked + q * words,
                                             limit(q), positions, distances);
            for (std::size_t i = 0; i < found; ++i) {
                const std::size_t row = first + positions[i];
                if (!bit_at(scan.removed, row)) take(q, row, distances[i]);
            }
        }
    }
}

}  // namespace

void scan_radius(const Scan& scan, const std::uint8_t* queries, std::size_t count, int radius,
                 int level, Found* found) {
    walk(
        scan, queries, count, radius, level, [&](std::size_t) { return radius; },
        [&](std::size_t q, std::size_t row, std::int32_t d) {
            found[q].push_back(pack(static_cast<std::uint32_t>(d), scan.first_row + row));
        });
}

void scan_nearest(const Scan& scan, const std::uint8_t* queries, std::size_t count, std::size_t k,
                  int level, Found* found) {
    const int all = static_cast<int>(8 * scan.size);
    // found[q] is a heap whose top is the worst of the k best; a later row of the same distance
    // is worse than it
    walk(
        scan, queries, count, all, level,
        [&](std::size_t q) {
            return found[q].size() < k ? all : static_cast<int>(distance_of(found[q].front())) - 1;
        },
        [&](std::size_t q, std::size_t row, std::int32_t d) {
            Found& best = found[q];
            const std::uint64_t packed = pack(static_cast<std::uint32_t>(d), scan.first_row + row);
            if (best.size() == k) {
                if (packed >= best.front()) return;
                std::pop_heap(best.begin(), best.end());
                best.pop_back();
            }
            best.push_back(packed);
            std::push_heap(best.begin(), best.end());
        });
}

}  // namespace hashmatch
