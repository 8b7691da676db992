#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "mih/mih.h"
#include "mih/tags.h"
#include "scan/bits.h"
#include "simd.h"

namespace hashmatch {
namespace {

// All values of a band by how many bits they have, and how many have at most so many.
struct Masks {
    std::array<std::uint16_t, BAND_VALUES> values;
    std::array<std::uint32_t, 18> upto;  // upto[t + 1]: masks of at most t bits; upto[0] is 0

    Masks() noexcept {
        std::uint32_t next = 0;
        upto[0] = 0;
        for (int bits = 0; bits <= 16; ++bits) {
            for (std::uint32_t value = 0; value < BAND_VALUES; ++value)
                if (bit_count(value) == bits) values[next++] = static_cast<std::uint16_t>(value);
            upto[static_cast<std::size_t>(bits) + 1] = next;
        }
    }
};

const Masks& masks() {
    static const Masks made;
    return made;
}

// A bucket to look through: codes that differ from the query in `apart` bits of `band`.
struct Probe {
    std::uint32_t start, end;
    std::int16_t band, apart;
};

// A code on its way along the chain: its place in the table of `band`, its value in the next
// one, and the running sum of e_b, which is negative.
struct Candidate {
    std::uint32_t place;
    std::uint16_t value;
    std::int16_t band;
    std::int32_t sum;
};

class Searcher {
   public:
    Searcher(const Mih& mih, int radius, std::size_t budget, int level)
        : mih_(mih), radius_(radius), budget_(budget), compare_(tag_kernel(level)) {
        int anchored = 0, linked = 0;
        for (int band = 0; band < mih.bands; ++band) {
            anchored_[band] = is_anchor(band, mih.bands, mih.link_size);
            slot_[band] = anchored_[band] ? anchored++ : linked++;
        }
    }

    // Returns false, having found nothing, if the budget does not suffice.
    bool search(const std::uint8_t* query, Found& found) {
        std::memcpy(value_, query, 2 * static_cast<std::size_t>(mih_.bands));
        share_evenly();
        std::size_t tags = plan();
        const double even = static_cast<double>(mih_.rows) / BAND_VALUES;
        if (static_cast<double>(tags) > 3 * even * static_cast<double>(probes_.size()) + 4096) {
            share_by_cost();
            tags = plan();
        }
        if (tags > budget_) return false;
        compare();
        follow();
        verify(query, found);
        return true;
    }

   private:
    const std::uint32_t* starts(int band) const noexcept {
        return mih_.starts + static_cast<std::size_t>(band) * (BAND_VALUES + 1);
    }
    const std::uint16_t* tags(int band) const noexcept {
        return mih_.tags + static_cast<std::size_t>(band) * mih_.rows;
    }
    const std::uint32_t* anchors(int band) const noexcept {
        return mih_.anchors + static_cast<std::size_t>(slot_[band]) * mih_.rows;
    }
    const std::uint8_t* links(int band) const noexcept {
        return mih_.links +
               static_cast<std::size_t>(slot_[band]) * mih_.rows * static_cast<std::size_t>(mih_.link_size);
    }
    int next(int band) const noexcept { return band + 1 == mih_.bands ? 0 : band + 1; }

    // Every band gets the same part of the r + 1 units, the first ones one more where it does
    // not divide.
    void share_evenly() noexcept {
        const int units = radius_ + 1;
        for (int band = 0; band < mih_.bands; ++band)
            units_[band] = units / mih_.bands + (band < units % mih_.bands);
    }

    // One unit at a time goes to the band where it costs the fewest tags, for queries whose even
    // share would meet long buckets. The cost of another unit grows with the units a band has,
    // so taking the cheapest each time is best in the end, too.
    void share_by_cost() {
        std::vector<std::size_t> cost(static_cast<std::size_t>(mih_.bands));
        for (int band = 0; band < mih_.bands; ++band) {
            units_[band] = 0;
            cost[static_cast<std::size_t>(band)] = ring_cost(band, 0);
        }
        for (int unit = 0; unit <= radius_; ++unit) {
            const int band =
                static_cast<int>(std::min_element(cost.begin(), cost.end()) - cost.begin());
            cost[static_cast<std::size_t>(band)] = ++units_[band] > 16 ? ~std::size_t{0}
                                                                     : ring_cost(band, units_[band]);
        }
    }

    // Tags in the buckets exactly `bits` away from the query, and something for each bucket.
    std::size_t ring_cost(int band, int bits) const {
        const Masks& all = masks();
        const std::uint32_t* start = starts(band);
        std::size_t tags = 0;
        const auto b = static_cast<std::size_t>(bits);
        for (std::uint32_t m = all.upto[b]; m < all.upto[b + 1]; ++m) {
            const std::size_t key = value_[band] ^ all.values[m];
            tags += start[key + 1] - start[key] + 16;
        }
        return tags;
    }

    // Finds the buckets to look through and returns how many tags lie in them.
    std::size_t plan() {
        const Masks& all = masks();
        probes_.clear();
        std::size_t wanted = 0;
        for (int band = 0; band < mih_.bands; ++band) {
            const std::uint32_t count = all.upto[static_cast<std::size_t>(std::min(units_[band], 17))];
            wanted += count;
            if (count > 4096) continue;  // mostly neighbours then
            const std::uint32_t* start = starts(band);
            for (std::uint32_t m = 0; m < count; ++m)
                HM_PREFETCH(start + (value_[band] ^ all.values[m]));
        }
        probes_.reserve(wanted);
        std::size_t tags_in_all = 0;
        for (int band = 0; band < mih_.bands; ++band) {
            const std::uint32_t* start = starts(band);
            const std::uint16_t* tag = tags(band);
            std::uint32_t m = 0;
            for (int apart = 0; apart < std::min(units_[band], 17); ++apart) {
                for (; m < all.upto[static_cast<std::size_t>(apart) + 1]; ++m) {
                    const std::size_t key = value_[band] ^ all.values[m];
                    const std::uint32_t from = start[key], to = start[key + 1];
                    if (from == to) continue;
                    HM_PREFETCH(tag + from);
                    tags_in_all += to - from;
                    probes_.push_back({from, to, static_cast<std::int16_t>(band),
                                       static_cast<std::int16_t>(apart)});
                }
            }
        }
        return tags_in_all;
    }

    // Compares the tags of every probe and keeps the codes whose chain of two is short enough.
    void compare() {
        constexpr std::size_t AHEAD = 8;      // probes; about what is under way in memory at a time
        constexpr std::uint32_t LINE = 32;    // tags in a cache line
        constexpr std::uint32_t CHUNK = 8192; // tags compared at a time, so that places_ is bounded
        candidates_.clear();
        for (std::size_t p = 0; p < probes_.size(); ++p) {
            if (p + AHEAD < probes_.size()) {
                const Probe& later = probes_[p + AHEAD];
                const std::uint16_t* tag = tags(later.band);
                const std::uint32_t end = std::min(later.end, later.start + 16 * LINE);
                for (std::uint32_t at = later.start + LINE; at < end + LINE; at += LINE)
                    HM_PREFETCH(tag + std::min(at, end - 1));
            }
            const Probe& probe = probes_[p];
            const int after = next(probe.band);
            const int sum = probe.apart - units_[probe.band] - units_[after];
            const int limit = -1 - sum;
            if (limit < 0) continue;
            const std::uint16_t* tag = tags(probe.band);
            for (std::uint32_t from = probe.start; from < probe.end; from += CHUNK) {
                const std::uint32_t count = std::min(CHUNK, probe.end - from);
                const std::size_t passed =
                    compare_(tag + from, count, value_[after], limit, places_);
                for (std::size_t i = 0; i < passed; ++i) {
                    const std::uint32_t place = from + places_[i];
                    const int d = bit_count(static_cast<std::uint64_t>(tag[place] ^ value_[after]));
                    prefetch_link(probe.band, place);
                    candidates_.push_back({place, tag[place], probe.band, sum + d});
                }
            }
        }
    }

    void prefetch_link(int band, std::uint32_t place) const noexcept {
        if (anchored_[band])
            HM_PREFETCH(anchors(band) + place);
        else
            HM_PREFETCH(links(band) + place * static_cast<std::size_t>(mih_.link_size));
    }

    std::uint32_t link(int band, std::uint32_t place) const noexcept {
        if (mih_.link_size == 1) return links(band)[place];
        std::uint16_t rank;
        std::memcpy(&rank, links(band) + 2 * static_cast<std::size_t>(place), 2);
        return rank;
    }

    // Takes candidates from band to band until they reach an anchor or their chain grows too
    // long. Each round is two passes over all of them, so that their misses overlap.
    void follow() {
        rows_.clear();
        while (!candidates_.empty()) {
            std::size_t kept = 0;
            for (const Candidate& c : candidates_) {
                if (anchored_[c.band]) {
                    rows_.push_back(anchors(c.band)[c.place]);
                    continue;
                }
                const int band = next(c.band);
                const std::uint32_t place = starts(band)[c.value] + link(c.band, c.place);
                HM_PREFETCH(tags(band) + place);
                candidates_[kept++] = {place, 0, static_cast<std::int16_t>(band), c.sum};
            }
            candidates_.resize(kept);
            kept = 0;
            for (Candidate c : candidates_) {
                const int after = next(c.band);
                c.value = tags(c.band)[c.place];
                c.sum += bit_count(static_cast<std::uint64_t>(c.value ^ value_[after])) -
                         units_[after];
                if (c.sum >= 0) continue;
                prefetch_link(c.band, c.place);
                candidates_[kept++] = c;
            }
            candidates_.resize(kept);
        }
    }

    // A row may have come along several chains; each is fetched once.
    void verify(const std::uint8_t* query, Found& found) {
        const std::size_t size = 2 * static_cast<std::size_t>(mih_.bands);
        std::sort(rows_.begin(), rows_.end());
        rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
        constexpr std::size_t AHEAD = 16;
        for (std::size_t i = 0; i < rows_.size() + AHEAD; ++i) {
            if (i < rows_.size()) HM_PREFETCH(mih_.codes + rows_[i] * size);
            if (i < AHEAD) continue;
            const std::size_t row = rows_[i - AHEAD];
            const int d = distance(mih_.codes + row * size, query, size);
            if (d <= radius_ && !bit_at(mih_.removed, row))
                found.push_back(pack(static_cast<std::uint32_t>(d), row));
        }
    }

    const Mih& mih_;
    const int radius_;
    const std::size_t budget_;
    const TagKernel compare_;
    bool anchored_[MOST_BANDS];
    int slot_[MOST_BANDS];
    int units_[MOST_BANDS];  // t_b + 1
    std::uint16_t value_[MOST_BANDS];
    std::vector<Probe> probes_;
    std::vector<Candidate> candidates_;
    std::vector<std::uint32_t> rows_;
    std::uint32_t places_[8192 + 64];
};

}  // namespace

void mih_radius(const Mih& mih, const std::uint8_t* queries, std::size_t count, int radius,
                std::size_t budget, int level, Found* found, std::uint8_t* deferred) {
    Searcher searcher(mih, radius, budget, level);
    const std::size_t size = 2 * static_cast<std::size_t>(mih.bands);
    for (std::size_t q = 0; q < count; ++q)
        deferred[q] = !searcher.search(queries + q * size, found[q]);
}

}  // namespace hashmatch
