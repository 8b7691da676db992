// What a search found for one query, and how it becomes the arrays that are returned.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hashmatch {

// A row and its distance in one word, so that sorting the words sorts by distance, then row.
inline std::uint64_t pack(std::uint32_t distance, std::uint64_t row) noexcept {
    return static_cast<std::uint64_t>(distance) << 48 | row;
}

inline std::uint32_t distance_of(std::uint64_t packed) noexcept {
    return static_cast<std::uint32_t>(packed >> 48);
}

using Found = std::vector<std::uint64_t>;

// Puts the rows of one query in order and unpacks them. `ascending` says that they came by
// ascending row, which spares a comparison sort.
inline void write_sorted(Found& found, bool ascending, std::int64_t* rows,
                         std::int32_t* distances) {
    constexpr std::size_t FEW = 64;  // below this a comparison sort is quicker than counting
    const auto write = [&](std::uint64_t packed, std::size_t at) {
        rows[at] = static_cast<std::int64_t>(packed & ((std::uint64_t{1} << 48) - 1));
        distances[at] = static_cast<std::int32_t>(distance_of(packed));
    };
    if (!ascending || found.size() < FEW) {
        std::sort(found.begin(), found.end());
        for (std::size_t i = 0; i < found.size(); ++i) write(found[i], i);
        return;
    }
    std::uint32_t most = 0;
    for (const auto packed : found) most = std::max(most, distance_of(packed));
    std::vector<std::size_t> next(most + 2);
    for (const auto packed : found) ++next[distance_of(packed) + 1];
    for (std::size_t d = 1; d < next.size(); ++d) next[d] += next[d - 1];
    for (const auto packed : found) write(packed, next[distance_of(packed)]++);
}

}  // namespace hashmatch
