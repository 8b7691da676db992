// Intrinsics of this processor family, and prefetching on any.
#pragma once

#include "cpu.h"

#if HM_X86
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the deliberately undefined operands inside its own intrinsics for a mistake
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
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
