#include <algorithm>
#include <cstring>
#include <vector>

#include "mih/mih.h"
#include "simd.h"

namespace hashmatch {
namespace {

inline std::uint16_t band_value(const std::uint8_t* code, int band) noexcept {
    return static_cast<std::uint16_t>(code[2 * band] | code[2 * band + 1] << 8);
}

// One table. Codes are taken in order, so a bucket's codes keep theirs, and a code's rank in its
// bucket is how many came before: `ranks` has those of the next band and receives this one's.
template <typename Link>
void fill_band(const std::uint8_t* codes, std::size_t rows, int bands, int band,
               const std::uint32_t* starts, std::uint16_t* tags, std::uint32_t* anchors,
               Link* links, std::uint16_t* ranks) {
    const std::size_t size = 2 * static_cast<std::size_t>(bands);
    const int next = (band + 1) % bands;
    std::vector<std::uint32_t> cursor(starts, starts + BAND_VALUES);
    constexpr std::size_t AHEAD = 24;  // rows whose places are fetched before they are written
    for (std::size_t row = 0; row < rows; ++row) {
        const std::uint8_t* code = codes + row * size;
        if (row + AHEAD < rows) {
            const std::uint32_t soon = cursor[band_value(code + AHEAD * size, band)];
            HM_PREFETCH_WRITE(tags + soon);
            if (anchors) HM_PREFETCH_WRITE(anchors + soon);
            if (links) HM_PREFETCH_WRITE(links + soon);
        }
        const std::uint16_t value = band_value(code, band);
        const std::uint32_t at = cursor[value]++;
        tags[at] = band_value(code, next);
        if (anchors) anchors[at] = static_cast<std::uint32_t>(row);
        if (links) links[at] = static_cast<Link>(ranks[row]);
        if (ranks) ranks[row] = static_cast<std::uint16_t>(at - starts[value]);
    }
}

}  // namespace

bool is_anchor(int band, int bands, int link_size) noexcept {
    return !link_size || band % 4 == 3 || band == bands - 1;
}

std::size_t count_bands(const std::uint8_t* codes, std::size_t rows, int bands,
                        std::uint32_t* starts) noexcept {
    const std::size_t size = 2 * static_cast<std::size_t>(bands);
    for (std::size_t row = 0; row < rows; ++row)
        for (int band = 0; band < bands; ++band)
            ++starts[static_cast<std::size_t>(band) * (BAND_VALUES + 1) +
                     band_value(codes + row * size, band)];
    std::size_t longest = 0;
    for (int band = 0; band < bands; ++band) {
        std::uint32_t* counts = starts + static_cast<std::size_t>(band) * (BAND_VALUES + 1);
        std::uint32_t before = 0;
        for (std::size_t value = 0; value <= BAND_VALUES; ++value) {
            const std::uint32_t here = counts[value];
            longest = std::max<std::size_t>(longest, here);
            counts[value] = before;
            before += here;
        }
    }
    return longest;
}

void fill_bands(const std::uint8_t* codes, std::size_t rows, int bands,
                const std::uint32_t* starts, int link_size, std::uint16_t* tags,
                std::uint32_t* anchors, std::uint8_t* links) {
    std::vector<std::uint16_t> ranks(link_size ? rows : 0);
    std::size_t anchored = 0, linked = 0;
    for (int band = 0; band < bands; ++band)
        ++(is_anchor(band, bands, link_size) ? anchored : linked);
    for (int band = bands - 1; band >= 0; --band) {
        const std::size_t b = static_cast<std::size_t>(band);
        const std::uint32_t* starts_here = starts + b * (BAND_VALUES + 1);
        std::uint16_t* tags_here = tags + b * rows;
        std::uint16_t* ranks_here = link_size ? ranks.data() : nullptr;
        if (is_anchor(band, bands, link_size)) {
            fill_band<std::uint8_t>(codes, rows, bands, band, starts_here, tags_here,
                                    anchors + --anchored * rows, nullptr, ranks_here);
            continue;
        }
        std::uint8_t* links_here = links + --linked * rows * static_cast<std::size_t>(link_size);
        if (link_size == 1)
            fill_band<std::uint8_t>(codes, rows, bands, band, starts_here, tags_here, nullptr,
                                    links_here, ranks_here);
        else
            fill_band<std::uint16_t>(codes, rows, bands, band, starts_here, tags_here, nullptr,
                                     reinterpret_cast<std::uint16_t*>(links_here), ranks_here);
    }
}

}  // namespace hashmatch
