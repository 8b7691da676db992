// The exhaustive search: every code against every query.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scan/found.h"

namespace hashmatch {

// Codes and queries of `size` bytes each. `removed` holds one bit per row, set where a row must
// not be found, or is null. Rows are numbered from `first_row`.
struct Scan {
    const std::uint8_t* codes;
    std::size_t rows;
    std::size_t size;
    const std::uint8_t* removed;
    std::uint64_t first_row;
};

// Appends to found[q], by ascending row, every row within `radius` bits of query q.
void scan_radius(const Scan& scan, const std::uint8_t* queries, std::size_t count, int radius,
                 int level, Found* found);

// Leaves in found[q] the k nearest rows of query q, unordered; of equal distances the lower rows.
void scan_nearest(const Scan& scan, const std::uint8_t* queries, std::size_t count, std::size_t k,
                  int level, Found* found);

}  // namespace hashmatch
