// Counting and finding bits without an instruction the ABI floor lacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace hashmatch {

// Inlined into a function with the popcnt target, GCC and Clang make one instruction of it.
inline int bit_count(std::uint64_t x) noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
    x -= (x >> 1) & 0x5555555555555555U;
    x = (x & 0x3333333333333333U) + ((x >> 2) & 0x3333333333333333U);
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0FU;
    return static_cast<int>((x * 0x0101010101010101U) >> 56);
#else
    return __builtin_popcountll(x);
#endif
}

inline int lowest_bit(std::uint32_t x) noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long at;
    _BitScanForward(&at, x);
    return static_cast<int>(at);
#else
    return __builtin_ctz(x);
#endif
}

inline bool bit_at(const std::uint8_t* bits, std::uint64_t at) noexcept {
    return bits && ((bits[at >> 3] >> (at & 7)) & 1);
}

inline std::uint64_t load64(const std::uint8_t* from) noexcept {
    std::uint64_t value;
    std::memcpy(&value, from, 8);
    return value;
}

// The Hamming distance of two codes of any length.
inline int distance(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) noexcept {
    int sum = 0;
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8) sum += bit_count(load64(a + at) ^ load64(b + at));
    for (; at < size; ++at) sum += bit_count(static_cast<std::uint64_t>(a[at] ^ b[at]));
    return sum;
}

}  // namespace hashmatch
