// SIMD levels and their detection, shared by every kernel.
//
// A kernel is compiled at the ABI floor and holds faster variants as per-function targets:
//     HM_TARGET_AVX2 void scan_avx2(...) { ... }
// The caller passes the level to use; it has been checked against detect_levels() before.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#define HM_X86 1
#else
#define HM_X86 0
#endif

#if defined(__aarch64__) || defined(_M_ARM64)
#define HM_ARM64 1
#else
#define HM_ARM64 0
#endif

#if HM_X86 && (defined(__GNUC__) || defined(__clang__))
#define HM_TARGET_AVX2 __attribute__((target("avx2,fma,bmi,bmi2,popcnt,f16c")))
#define HM_TARGET_AVX512                                                                        \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx512bitalg,"     \
                          "avx2,fma,bmi,bmi2,popcnt,f16c")))
#else  // MSVC accepts every intrinsic without a flag; other processors have no such target
#define HM_TARGET_AVX2
#define HM_TARGET_AVX512
#endif

// Code written once and compiled for every target: an HM_INLINE function called from functions
// with different targets is compiled, and vectorised, for each of them.
#if defined(_MSC_VER) && !defined(__clang__)
#define HM_INLINE __forceinline
#define HM_RESTRICT __restrict
#else
#define HM_RESTRICT __restrict__
#define HM_INLINE inline __attribute__((always_inline))
#endif

namespace hashmatch {

enum Level : int { SCALAR = 0, NEON = 1, AVX2 = 2, AVX512 = 3 };

// Bit mask over Level of what this processor and operating system can run.
std::uint32_t detect_levels() noexcept;

}  // namespace hashmatch
