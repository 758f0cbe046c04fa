// Packing and storing of each instruction set's kernels, element by element.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "attention/cpu/kernels.h"
#include "attention/cpu/memory.h"
#include "attention/dispatch.h"
#include "radial/attention/implementation.h"

namespace radial::cpu {
namespace {

struct Named {
  const char* name;
  const Kernels& (*kernels)();
  const char* packs_like;  // the implementation whose instructions packing and storing need
};

/// The kernels of which this machine can run what is tested here.
std::vector<Named> runnable() {
  std::vector<Named> all;
  const Named candidates[] = {{"cpu", portable_kernels, "cpu"},
#ifdef __x86_64__
                              {"cpu_avx2", avx2_kernels, "cpu_avx2"},
                              {"cpu_avx512", avx512_kernels, "cpu_avx512"},
                              {"cpu_avx512_bf16", avx512_bf16_kernels, "cpu_avx512_bf16"},
                              {"cpu_amx", amx_kernels, "cpu_avx512_bf16"}
#endif
  };
  for (const Named& one : candidates) {
    for (const ImplementationInfo& info : implementations()) {
      if (info.name == one.packs_like && info.available) all.push_back(one);
    }
  }
  return all;
}

class CpuKernels : public ::testing::TestWithParam<Named> {
 protected:
  const Kernels& kernels() const { return GetParam().kernels(); }
  DType dtype() const { return kernels().pairs == 2 ? DType::kBFloat16 : DType::kFloat32; }

  /// Element `part` of a unit.
  float element(Unit unit, std::int32_t part) const {
    return kernels().pairs == 1 ? std::bit_cast<float>(unit)
                                : to_float(BFloat16{static_cast<std::uint16_t>(unit >> 16 * part)});
  }
};

/// Rows [rows, head_dim] that lie `stride` apart, counting up: 1, 2, 3, ... (exact in bfloat16 to
/// 256, then wrapping).
struct Rows {
  std::vector<float> floats;
  std::vector<BFloat16> halves;
  std::int32_t head_dim, stride;

  Rows(std::int32_t rows, std::int32_t d) : head_dim(d), stride(d + 8) {
    for (std::int32_t i = 0; i < rows * stride; ++i) floats.push_back(static_cast<float>(i % 251));
    for (const float value : floats) halves.push_back(from_float<BFloat16>(value));
  }
  float at(std::int32_t row, std::int32_t d) const {
    return floats[static_cast<std::size_t>(row * stride + d)];
  }
  PackSource source(DType dtype, std::int32_t rows, std::int32_t padded_rows) const {
    PackSource from;
    from.data = dtype == DType::kFloat32 ? static_cast<const void*>(floats.data()) : halves.data();
    from.dtype = dtype;
    from.row_stride = stride;
    from.rows = rows;
    from.padded_rows = padded_rows;
    from.head_dim = head_dim;
    return from;
  }
};

TEST_P(CpuKernels, PackAcrossPutsRowsIntoColumnsAndZeroesTheRest) {
  const std::int32_t panel = kernels().panel, pairs = kernels().pairs, d = 48, rows = 77;
  const std::int32_t depth = depth_of(kernels(), d);
  const Rows from(rows, d);
  std::vector<Unit> packed(static_cast<std::size_t>(128 * depth), 7);
  kernels().pack_across(from.source(dtype(), rows, 128), packed.data());
  for (std::int32_t row = 0; row < 128; ++row) {
    for (std::int32_t i = 0; i < depth * pairs; ++i) {
      const std::int32_t place = row / panel * panel * depth + i / pairs * panel + row % panel;
      ASSERT_EQ(element(packed[static_cast<std::size_t>(place)], i % pairs),
                row < rows && i < d ? from.at(row, i) : 0)
          << "row " << row << " element " << i;
    }
  }
}

TEST_P(CpuKernels, PackAlongKeepsColumnsAndNarrowsTheLastPanel) {
  const std::int32_t panel = kernels().panel, pairs = kernels().pairs, d = 80, rows = 61;
  const Rows from(rows, d);
  const std::int64_t panel_rows = 128 / pairs, first_row = 64 / pairs;
  std::vector<Unit> packed(static_cast<std::size_t>(panel_rows * d), 7);
  kernels().pack_along(from.source(dtype(), rows, 64), {packed.data(), panel_rows, first_row});
  for (std::int32_t row = 0; row < 64; ++row) {
    for (std::int32_t i = 0; i < d; ++i) {
      const std::int32_t begin = i / panel * panel, columns = std::min(panel, d - begin);
      const std::int64_t place =
          begin * panel_rows + (first_row + row / pairs) * columns + i - begin;
      ASSERT_EQ(element(packed[static_cast<std::size_t>(place)], row % pairs),
                row < rows ? from.at(row, i) : 0)
          << "row " << row << " element " << i;
    }
  }
  EXPECT_EQ(packed[0], 7u) << "rows before the first were written";
}

TEST_P(CpuKernels, PackRowsFillsUpTheDepthWithZeros) {
  const std::int32_t d = 80, rows = 5, depth = depth_of(kernels(), d);
  const Rows from(rows, d);
  std::vector<Unit> packed(static_cast<std::size_t>(8 * depth), 7);
  kernels().pack_rows(from.source(dtype(), rows, 8), packed.data());
  for (std::int32_t row = 0; row < 8; ++row) {
    for (std::int32_t i = 0; i < depth * kernels().pairs; ++i) {
      const std::int32_t place = row * depth + i / kernels().pairs;
      ASSERT_EQ(element(packed[static_cast<std::size_t>(place)], i % kernels().pairs),
                row < rows && i < d ? from.at(row, i) : 0)
          << "row " << row << " element " << i;
    }
  }
}

TEST_P(CpuKernels, PackRowsWidensEveryElementType) {
  if (kernels().pairs == 2) return;  // takes bfloat16 as it is
  const Rows from(3, 32);
  std::vector<Unit> packed(4 * 32, 7);
  kernels().pack_rows(from.source(DType::kBFloat16, 3, 4), packed.data());
  for (std::int32_t row = 0; row < 4; ++row) {
    for (std::int32_t i = 0; i < 32; ++i) {
      ASSERT_EQ(element(packed[static_cast<std::size_t>(row * 32 + i)], 0),
                row < 3 ? from.at(row, i) : 0);
    }
  }
}

template <typename Element>
void expect_rounded_alike(const Kernels& kernels, DType dtype) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0,     -0.0f, 1,       1.00390625f, 1.01171875f, -65519,
                               65520, 1e-7f, 6.1e-5f, 3.4e38f,     kInfinity,   -kInfinity};
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  while (values.size() < 16 * 16) values.push_back(normal(random) * std::exp2(normal(random) * 9));
  const std::vector<float> ones(16, 1.0f);
  std::vector<Element> stored(values.size());
  StoreRows rows;
  rows.from = values.data();
  rows.factors = ones.data();
  rows.rows = 16;
  rows.head_dim = 16;
  rows.to = stored.data();
  rows.dtype = dtype;
  rows.row_stride = 16;
  kernels.store_rows(rows);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(to_double(stored[i]), to_double(from_float<Element>(values[i]))) << values[i];
  }
}

TEST_P(CpuKernels, StoreRowsRoundsToTheNearestElement) {
  expect_rounded_alike<BFloat16>(kernels(), DType::kBFloat16);
  expect_rounded_alike<Float16>(kernels(), DType::kFloat16);
  expect_rounded_alike<float>(kernels(), DType::kFloat32);
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, CpuKernels, ::testing::ValuesIn(runnable()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace radial::cpu
