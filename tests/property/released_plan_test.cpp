// The released rules against a literal transcription of what the reference code does on tokens:
// every frame pair as a boolean matrix, shrunk by counting.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "radial/plan/block_plan.h"

namespace radial {
namespace {

struct Case {
  std::int32_t frames, tokens, block_size;
  double decay_factor;
  bool sink;
  DistanceOne distance_one;

  std::string to_string() const {
    return "frames " + std::to_string(frames) + ", tokens " + std::to_string(tokens) + ", block " +
           std::to_string(block_size) + ", decay " + std::to_string(decay_factor) +
           (sink ? ", sink" : ", no sink") +
           (distance_one == DistanceOne::kHalf ? ", half" : ", whole");
  }
};

Case random_case(std::mt19937& random) {
  const auto pick = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  Case made;
  made.block_size = pick(0, 1) ? 128 : 64;
  made.tokens = pick(1, 3 * made.block_size);
  made.frames = pick(1, 12);
  made.decay_factor = std::uniform_real_distribution<double>(0.05, 1.5)(random);
  made.sink = pick(0, 1) == 1;
  made.distance_one = pick(0, 1) ? DistanceOne::kHalf : DistanceOne::kWhole;
  return made;
}

/// Largest |k - l| that frame pair (i, j) allows, -1 if it allows nothing.
double pair_width(const Case& c, int i, int j) {
  if (c.sink && j == 0) return c.tokens;
  const int d = std::abs(i - j);
  const double power = std::pow(2.0, std::bit_width(static_cast<unsigned>(c.tokens)));
  const double length = power / std::pow(2.0, std::bit_width(static_cast<unsigned>(d)));
  if (length < 128 && d % static_cast<int>(std::floor(128 / length)) != 0) return -1;
  if (d == 0) return c.tokens;
  if (d == 1) return c.distance_one == DistanceOne::kHalf ? c.tokens / 2 : c.tokens;
  return std::max<double>(c.block_size, c.decay_factor * length);
}

/// The block grid of the reference code, ceil(n / B) each way.
std::vector<std::uint8_t> brute_force(const Case& c) {
  const int block = c.block_size, n = c.frames * c.tokens;
  const int blocks = (n + block - 1) / block, canvas = (c.tokens + block - 1) / block;
  std::vector<std::uint8_t> grid(static_cast<std::size_t>(blocks) * blocks, 0);
  const auto set = [&](int row, int column) {
    grid[static_cast<std::size_t>(row) * blocks + column] = 1;
  };
  for (int i = 0; i < c.frames; ++i) {
    for (int j = 0; j < c.frames; ++j) {
      const double width = pair_width(c, i, j);
      const int row_offset = i * c.tokens % block, column_offset = j * c.tokens % block;
      for (int u = 0; u < canvas; ++u) {
        for (int v = 0; v < canvas; ++v) {
          int non_zero = 0, high = 0;
          for (int x = v * block; x < (v + 1) * block; ++x) {
            const int l = x - column_offset;
            if (l < 0 || l >= c.tokens) continue;
            int count = 0;
            for (int y = u * block; y < (u + 1) * block; ++y) {
              const int k = y - row_offset;
              if (k >= 0 && k < c.tokens) count += std::abs(k - l) <= width;
            }
            non_zero += count > 0;
            high += 3 * count > block;
          }
          if (non_zero > 0 && static_cast<float>(high) / static_cast<float>(non_zero) > 0.6f) {
            set(i * c.tokens / block + u, j * c.tokens / block + v);
          }
        }
      }
    }
  }
  for (int edge = n / block; edge < blocks; ++edge) {
    for (int other = 0; other < blocks; ++other) {
      set(edge, other);
      set(other, edge);
    }
  }
  return grid;
}

TEST(ReleasedPlans, EqualTheLiteralAlgorithmOnRandomSmallCases) {
  constexpr unsigned kSeed = 20250619;
  constexpr int kCases = 600;
  std::mt19937 random(kSeed);
  for (int number = 0; number < kCases; ++number) {
    const Case c = random_case(random);
    const VideoLayout layout{.frames = c.frames, .grid_h = 1, .grid_w = c.tokens};
    const BlockPlan plan = BlockPlan::build(RadialMask(layout, {.rule = "released-v2",
                                                                .block_size = c.block_size,
                                                                .decay_factor = c.decay_factor,
                                                                .sink = c.sink,
                                                                .distance_one = c.distance_one}));
    ASSERT_EQ(to_dense(plan.pattern(0)), brute_force(c))
        << "case " << number << ": " << c.to_string();
  }
}

}  // namespace
}  // namespace radial
