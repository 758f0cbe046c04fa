#pragma once

// 2^f for f in [-1/2, 1/2] as polynomials (lowest coefficient first), fitted for the least largest
// relative error and rounded to float32.

namespace radial::cpu {
namespace {

/// Largest relative error 1.6e-8 before rounding: float32 results.
constexpr float kExp2Degree6[] = {1.0f,           0.693147182f,   0.240226462f,   0.0555032864f,
                                  0.00961848907f, 0.00133999309f, 0.000153458124f};

/// Largest relative error 2.6e-6, a thousandth of a bfloat16's rounding.
constexpr float kExp2Degree4[] = {0.999999285f, 0.693121791f, 0.240247443f, 0.0559178591f,
                                  0.00957010221f};

/// The same for f in [0, 1], 1 at 0. Largest relative error 3.0e-6, rounding included.
constexpr float kExp2OfFraction[] = {1.0f, 0.693044841f, 0.241280213f, 0.0522424728f,
                                     0.0134266857f};

}  // namespace
}  // namespace radial::cpu
