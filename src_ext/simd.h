// The vector intrinsics of the processor this is compiled for.
#pragma once

#include "cpu.h"

#if HM_X86
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
// GCC's own headers leave vectors undefined on purpose and warn about it (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif

#if HM_ARM64
#include <arm_neon.h>
#endif
