#include "scan/found.h"

#include <algorithm>

namespace hashmatch {
namespace {

constexpr std::uint64_t ROW = (std::uint64_t{1} << 48) - 1;
constexpr std::size_t FEW = 64;  // below this a comparison sort is quicker than counting

void write(std::uint64_t packed, std::int64_t& row, std::int32_t& distance) noexcept {
    row = static_cast<std::int64_t>(packed & ROW);
    distance = static_cast<std::int32_t>(packed >> 48);
}

}  // namespace

void write_sorted(Found& found, bool ascending, std::int64_t* rows, std::int32_t* distances) {
    if (!ascending || found.size() < FEW) {
        std::sort(found.begin(), found.end());
        for (std::size_t i = 0; i < found.size(); ++i) write(found[i], rows[i], distances[i]);
        return;
    }
    std::uint64_t most = 0;
    for (const auto packed : found) most = std::max(most, packed >> 48);
    std::vector<std::size_t> next(most + 2);
    for (const auto packed : found) ++next[(packed >> 48) + 1];
    for (std::size_t d = 1; d < next.size(); ++d) next[d] += next[d - 1];
    for (const auto packed : found) {
        const std::size_t at = next[packed >> 48]++;
        write(packed, rows[at], distances[at]);
    }
}

}  // namespace hashmatch
