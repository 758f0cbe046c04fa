#include "base/number_types.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "radial/base/dtype.h"
#include "radial/base/error.h"

namespace radial {
namespace {

TEST(BFloat16, RoundsToTheNearestValueTiesToEven) {
  EXPECT_EQ(from_float<BFloat16>(1.0f).bits, 0x3f80);
  EXPECT_EQ(from_float<BFloat16>(std::bit_cast<float>(0x3f808000u)).bits, 0x3f80);  // tie, to even
  EXPECT_EQ(from_float<BFloat16>(std::bit_cast<float>(0x3f818000u)).bits, 0x3f82);
  EXPECT_EQ(from_float<BFloat16>(std::bit_cast<float>(0x3f808001u)).bits, 0x3f81);
  EXPECT_EQ(from_float<BFloat16>(-std::numeric_limits<float>::infinity()).bits, 0xff80);
  EXPECT_TRUE(std::isnan(to_float(from_float<BFloat16>(std::nanf("")))));
}

TEST(Float16, EveryBitPatternComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Float16 value{static_cast<std::uint16_t>(bits)};
    const float wide = to_float(value);
    if (std::isnan(wide)) continue;
    ASSERT_EQ(from_float<Float16>(wide).bits, value.bits);
  }
}

TEST(Float16, NoNeighbourIsNearerThanTheRoundedValue) {
  std::mt19937 random(5);
  std::uniform_int_distribution<int> exponent(-30, 17);
  std::uniform_real_distribution<float> fraction(-2, 2);
  for (int i = 0; i < 20000; ++i) {
    const float value = std::ldexp(fraction(random), exponent(random));
    const Float16 rounded = from_float<Float16>(value);
    if (std::isinf(to_float(rounded))) {
      EXPECT_GE(std::abs(value), 65520.0f);
      continue;
    }
    const double error = std::abs(to_double(rounded) - value);
    for (const int step : {-1, 1}) {
      const Float16 neighbour{static_cast<std::uint16_t>(rounded.bits + step)};
      if (!std::isfinite(to_float(neighbour))) continue;
      ASSERT_LE(error, std::abs(to_double(neighbour) - value)) << value;
    }
  }
}

TEST(DType, NamesComeBack) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64}) {
    EXPECT_EQ(parse_dtype(name_of(dtype)), dtype);
  }
  EXPECT_THROW(parse_dtype("int8"), InvalidArgument);
}

}  // namespace
}  // namespace radial
