// Vectors of floats as wide as the machine's registers, and the functions of them that the layers need.
//
// The code is compiled once per instruction set; CORE_ISA names the namespace of this copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef CORE_ISA
#error "compile with -DCORE_ISA=<name of the instruction set>"
#endif

namespace CORE_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float V __attribute__((vector_size(kLanes * 4), may_alias));
typedef int32_t VI __attribute__((vector_size(kLanes * 4), may_alias));
typedef uint32_t VU __attribute__((vector_size(kLanes * 4), may_alias));

inline V load(const float* p) { return *reinterpret_cast<const V*>(p); }  // p is aligned
inline void store(float* p, V v) { *reinterpret_cast<V*>(p) = v; }
inline V splat(float s) { return s - V{}; }
inline VU splat(uint32_t s) { return s - VU{}; }

template <class To, class From>
inline To bits(From v) {
    To out;
    static_assert(sizeof(To) == sizeof(From));
    std::memcpy(&out, &v, sizeof out);
    return out;
}

// The second argument comes back where the first is NaN-free and smaller; a NaN in `a` stays.
inline V at_least(V a, V low) { return a < low ? low : a; }
inline V at_most(V a, V high) { return a > high ? high : a; }
inline V absolute(V a) { return bits<V>(bits<VU>(a) & 0x7fffffffu); }

// a b + c with one rounding, where the machine can, in the sums that several tile shapes compute: were it
// one in one shape and two in another, threads would change bits. GCC always contracts the expression,
// and makes faster code of it than of the intrinsic; Clang contracts where it sees fit.
inline V multiply_add(V a, V b, V c) {
#if defined(__clang__) && defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__clang__) && defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__clang__) && defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

inline V sqrt(V a) {
#if defined(__AVX512F__)
    return _mm512_sqrt_ps(a);
#elif defined(__AVX__)
    return _mm256_sqrt_ps(a);
#elif defined(__SSE2__)
    return _mm_sqrt_ps(a);
#elif defined(__aarch64__)
    return vsqrtq_f32(a);
#else
    for (int i = 0; i < kLanes; ++i) a[i] = __builtin_sqrtf(a[i]);
    return a;
#endif
}

// {0, 1, 2, ...}
inline VU lane_numbers() {
    VU out;
    for (int i = 0; i < kLanes; ++i) out[i] = static_cast<uint32_t>(i);
    return out;
}

// e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2) / 2, and e^r by its Taylor polynomial of
// degree 7 (error below 1e-8 there). 2^n is built in two halves so that results next to overflow
// and subnormal ones come out right. NaN stays NaN.
inline V exp(V x) {
    x = at_most(at_least(x, splat(-105.0f)), splat(89.0f));
    const V magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
    V shifted = x * 1.44269504088896341f + magic;
    V n = shifted - magic;
    V r = x - n * 0.693145751953125f;  // ln 2 in two parts, the first exact in 15 bits
    r = r - n * 1.42860677e-6f;
    V p = splat(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    VI whole = bits<VI>(shifted) - 0x4B400000;  // n as an integer
    VI half = whole >> 1;
    V first = bits<V>((half + 127) << 23);
    V second = bits<V>((whole - half + 127) << 23);
    return p * first * second;
}

// ln x = e ln 2 + ln m with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1) / (m + 1).
// For normal positive x, +inf and NaN; 0 gives about -88.
inline V log(V x) {
    VI raw = bits<VI>(x);
    VI shifted = raw - 0x3f3504f3;  // sqrt(1/2)
    VI e = shifted >> 23;
    V m = bits<V>(raw - (e << 23));
    V s = (m - 1.0f) / (m + 1.0f);
    V z = s * s;
    V p = splat(2.0f / 9);
    p = p * z + 2.0f / 7;
    p = p * z + 2.0f / 5;
    p = p * z + 2.0f / 3;
    V exponent = __builtin_convertvector(e, V);
    V result = exponent * 0.693145751953125f + (exponent * 1.42860677e-6f + s * z * p + 2.0f * s);
    return x < __builtin_inff() ? result : x;  // +inf and NaN come back as they are
}

// ln(1 + x) for x in [0, 1]: ln(u) x / (u - 1) with u = 1 + x mends the rounding of 1 + x.
inline V log1p(V x) {
    V u = 1.0f + x;
    V d = u - 1.0f;
    return d == 0.0f ? x : log(u) * (x / d);
}

inline V sigmoid(V x) { return 1.0f / (1.0f + exp(-x)); }

// tanh x = sign(x) (1 - 2 / (e^{2|x|} + 1)); near zero, where that loses digits, its series.
inline V tanh(V x) {
    V a = absolute(x);
    V big = 1.0f - 2.0f / (exp(2.0f * a) + 1.0f);
    V z = x * x;
    V p = splat(-929569.0f / 638512875.0f);
    p = p * z + 21844.0f / 6081075;
    p = p * z - 1382.0f / 155925;
    p = p * z + 62.0f / 2835;
    p = p * z - 17.0f / 315;
    p = p * z + 2.0f / 15;
    p = p * z - 1.0f / 3;
    V small = x + x * z * p;
    V sign = bits<V>(bits<VU>(x) & 0x80000000u);
    V signed_big = bits<V>(bits<VU>(big) | bits<VU>(sign));
    return a < 0.4f ? small : signed_big;
}

}  // namespace CORE_ISA
