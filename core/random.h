// Random numbers without state: dropout's masks and Gaussian noise.
//
// The number of an element is a hash of (layer key, step, row in the batch, unit), so that the
// backward pass computes it again instead of storing it, and threads and instruction sets agree.
//
//     seed(row) = splitmix64(splitmix64(key + step * golden) + row * golden)         64 bits
//     h = unit + low(seed);   h ^= h >> 16;  h *= 0x21f0aaad
//     h += high(seed);        h ^= h >> 15;  h *= 0xd35a2d97;  h ^= h >> 15          32 bits
//
// Dropout keeps an element where h >= round(rate * 2^32). The constants of the 32-bit mixing are those
// of C. Wellons's "hash-prospector", of the 64-bit one those of S. Vigna's SplitMix64.
#pragma once

#include <cmath>

#include "panel.h"

namespace CORE_ISA {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;

inline uint64_t splitmix64(uint64_t z) {
    z += kGolden;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// A layer's numbers in one step.
struct Counter {
    uint64_t base;

    Counter(uint64_t key, int64_t step)
        : base(splitmix64(key + static_cast<uint64_t>(step) * kGolden)) {}
    uint64_t row_seed(int64_t row) const {
        return splitmix64(base + static_cast<uint64_t>(row) * kGolden);
    }
};

inline VU hash(VU unit, uint64_t seed) {
    VU h = unit + static_cast<uint32_t>(seed);
    h ^= h >> 16;
    h *= 0x21f0aaadu;
    h += static_cast<uint32_t>(seed >> 32);
    h ^= h >> 15;
    h *= 0xd35a2d97u;
    return h ^ (h >> 15);
}

inline uint32_t drop_below(float rate) {
    return static_cast<uint32_t>(std::fmin(std::nearbyint(rate * 4294967296.0), 4294967295.0));
}

// y = x / (1 - rate) where kept, else 0: one panel's rows, forward and backward alike.
inline void drop(const float* x, float* y, int64_t panel, Range rows, const Counter& counter,
                 float rate) {
    const VU threshold = splat(drop_below(rate));
    const float scale = 1.0f / (1.0f - rate);
    const VU unit = lane_numbers() + static_cast<uint32_t>(panel * kPanel);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
        const uint64_t seed = counter.row_seed(r);
        for (int v = 0; v < kVectors; ++v) {
            const int64_t at = r * kPanel + v * kLanes;
            const VU h = hash(unit + static_cast<uint32_t>(v * kLanes), seed);
            store(y + at, h >= threshold ? load(x + at) * scale : V{});
        }
    }
}

// y = x + stddev * z, z standard normal by Box and Muller's method from two hashes.
inline void add_noise(const float* x, float* y, int64_t panel, Range rows, const Counter& counter,
                      float stddev) {
    for (int64_t r = rows.begin; r < rows.end; ++r) {
        const uint64_t seed = counter.row_seed(r);
        for (int64_t c = 0; c < kPanel; c += kLanes) {
            const VU unit = lane_numbers() + static_cast<uint32_t>(panel * kPanel + c);
            const VU a = hash(unit, seed), b = hash(unit, splitmix64(seed));
            const float unit_step = 1.0f / 16777216.0f;  // 24 bits are exact in a float
            const V u = (__builtin_convertvector(a >> 8, V) + 0.5f) * unit_step;
            const V radius = sqrt(-2.0f * log(u));
            V angle = __builtin_convertvector(b >> 8, V) * (unit_step * 6.2831853f);
            for (int i = 0; i < kLanes; ++i) angle[i] = std::cos(angle[i]);
            const int64_t at = r * kPanel + c;
            store(y + at, load(x + at) + stddev * radius * angle);
        }
    }
}

}  // namespace CORE_ISA
