// What a search found for one query, and how it becomes the arrays that are returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hashmatch {

// A row and its distance in one word, so that sorting the words sorts by distance, then row.
inline std::uint64_t pack(std::uint32_t distance, std::uint64_t row) noexcept {
    return static_cast<std::uint64_t>(distance) << 48 | row;
}

using Found = std::vector<std::uint64_t>;

// Puts the rows of one query in order and unpacks them. `ascending` says that they came by
// ascending row, which spares a comparison sort.
void write_sorted(Found& found, bool ascending, std::int64_t* rows, std::int32_t* distances);

}  // namespace hashmatch
