// The vector intrinsics of the processor this is compiled for, and prefetching on any.
#pragma once

#include "cpu.h"

#if HM_X86
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
// GCC's own headers leave vectors undefined on purpose and warn about it (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#elif HM_ARM64
#include <arm_neon.h>
#endif

#if defined(__GNUC__) || defined(__clang__)
#define HM_PREFETCH(p) __builtin_prefetch(p)
#define HM_PREFETCH_WRITE(p) __builtin_prefetch(p, 1)
#elif HM_X86
#define HM_PREFETCH(p) _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0)
#define HM_PREFETCH_WRITE(p) HM_PREFETCH(p)
#else
#define HM_PREFETCH(p) __prefetch(p)
#define HM_PREFETCH_WRITE(p) HM_PREFETCH(p)
#endif
