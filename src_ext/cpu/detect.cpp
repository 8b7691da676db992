// Which SIMD levels can run here: the processor must have the instructions and the operating
// system must save the registers (XCR0), which CPUID's feature bits alone do not say.
#include "cpu.h"

#if HM_X86
#if defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace hashmatch {

#if HM_X86
namespace {

struct Registers {
    std::uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(std::uint32_t leaf) noexcept {
    Registers r{0, 0, 0, 0};
#if defined(_MSC_VER) && !defined(__clang__)
    int out[4];
    __cpuid(out, 0);
    if (static_cast<std::uint32_t>(out[0]) >= leaf) {
        __cpuidex(out, static_cast<int>(leaf), 0);
        r = {static_cast<std::uint32_t>(out[0]), static_cast<std::uint32_t>(out[1]),
             static_cast<std::uint32_t>(out[2]), static_cast<std::uint32_t>(out[3])};
    }
#else
    __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
    return r;
}

std::uint64_t saved_registers() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
    return _xgetbv(0);
#else
    std::uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

bool has(std::uint32_t word, int bit) noexcept { return (word >> bit) & 1U; }

}  // namespace
#endif

std::uint32_t detect_levels() noexcept {
    std::uint32_t levels = 1U << SCALAR;
#if HM_ARM64
    levels |= 1U << NEON;  // part of the ARMv8-A baseline
#endif
#if HM_X86
    const Registers one = cpuid(1);
    const Registers seven = cpuid(7);
    const bool os_saves = has(one.ecx, 27);  // OSXSAVE
    if (!os_saves) return levels;
    const std::uint64_t xcr0 = saved_registers();
    const bool ymm = (xcr0 & 0x6) == 0x6;
    const bool zmm = (xcr0 & 0xE6) == 0xE6;
    const bool avx2 = ymm && has(seven.ebx, 5) && has(one.ecx, 12) /* FMA */ &&
                      has(one.ecx, 29) /* F16C */ && has(one.ecx, 23) /* POPCNT */ &&
                      has(seven.ebx, 3) && has(seven.ebx, 8) /* BMI1, BMI2 */;
    const bool avx512 = avx2 && zmm && has(seven.ebx, 16) /* F */ && has(seven.ebx, 17) /* DQ */ &&
                        has(seven.ebx, 30) /* BW */ && has(seven.ebx, 31) /* VL */ &&
                        has(seven.ecx, 14) /* VPOPCNTDQ */ && has(seven.ecx, 12) /* BITALG */;
    if (avx2) levels |= 1U << AVX2;
    if (avx512) levels |= 1U << AVX512;
#endif
    return levels;
}

}  // namespace hashmatch
