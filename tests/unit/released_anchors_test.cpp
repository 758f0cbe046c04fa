// The released rules against block counts and fingerprints of the reference implementation
// (mit-han-lab/radial-attention, radial_attn/attn_mask.py).

#include <gtest/gtest.h>

#include "radial/plan/block_plan.h"
#include "support/sha256.h"

namespace radial {
namespace {

struct Anchor {
  std::int32_t frames, grid_h, grid_w;
  const char* rule;
  double decay_factor;
  std::int32_t block_size;
  std::int32_t num_blocks;
  std::int64_t kept_blocks;
  const char* fingerprint;  // first 16 hexadecimal digits, null where none is known
};

void PrintTo(const Anchor& anchor, std::ostream* out) {
  *out << anchor.rule << " decay " << anchor.decay_factor << " on " << anchor.frames << " x "
       << anchor.grid_h << " x " << anchor.grid_w;
}

class ReleasedAnchors : public ::testing::TestWithParam<Anchor> {};

TEST_P(ReleasedAnchors, BlocksEqualTheReferenceCode) {
  const Anchor& anchor = GetParam();
  const VideoLayout layout{
      .frames = anchor.frames, .grid_h = anchor.grid_h, .grid_w = anchor.grid_w};
  const BlockPlan plan = BlockPlan::build(RadialMask(
      layout,
      {.rule = anchor.rule, .block_size = anchor.block_size, .decay_factor = anchor.decay_factor}));
  const BlockPattern& pattern = plan.pattern(0);
  EXPECT_EQ(pattern.num_query_blocks(), anchor.num_blocks);
  EXPECT_EQ(pattern.kept_blocks(), anchor.kept_blocks);
  if (anchor.fingerprint) {
    EXPECT_EQ(testing::sha256(to_text(pattern)).substr(0, 16), anchor.fingerprint);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fingerprints, ReleasedAnchors,
    ::testing::Values(Anchor{18, 48, 80, "released-v1", 0.2, 128, 540, 76798, "6c3a3992ffe06775"},
                      Anchor{30, 48, 80, "released-hunyuan", 0.95, 128, 900, 222452,
                             "cb93b55f366be059"},
                      Anchor{64, 45, 80, "released-v2", 1, 128, 1800, 621078, "826d8ee792f2e691"},
                      Anchor{21, 45, 80, "released-v2", 1, 128, 591, 139209, "effc086a40426fa1"},
                      Anchor{8, 16, 16, "released-v2", 1, 128, 16, 232, "d75e2a9e094cbd42"},
                      Anchor{16, 10, 20, "released-v2", 1, 128, 25, 340, "c75409e94461130d"},
                      Anchor{8, 8, 12, "released-hunyuan", 1, 128, 6, 6, "75611586f303bf53"},
                      Anchor{18, 48, 80, "released-v2", 0.2, 128, 540, 83728, "c272f87e6139f8fd"},
                      Anchor{21, 48, 80, "released-v2", 0.2, 128, 630, 103768, "9b7b050c3c81c782"},
                      Anchor{81, 48, 80, "released-v2", 0.2, 128, 2430, 727736, "223c97e7198b635b"},
                      Anchor{81, 48, 80, "released-v2", 1, 128, 2430, 995960, "3f35a63eadf57922"}));

INSTANTIATE_TEST_SUITE_P(
    Counts, ReleasedAnchors,
    ::testing::Values(Anchor{21, 30, 52, "released-v2", 0.2, 128, 256, 22534, nullptr},
                      Anchor{21, 30, 52, "released-v2", 0.5, 128, 256, 24104, nullptr},
                      Anchor{21, 30, 52, "released-v2", 1, 128, 256, 29442, nullptr},
                      Anchor{21, 30, 52, "released-v1", 0.2, 128, 256, 21329, nullptr},
                      Anchor{21, 30, 52, "released-v1", 0.5, 128, 256, 22943, nullptr},
                      Anchor{21, 30, 52, "released-v1", 1, 128, 256, 28369, nullptr},
                      Anchor{21, 45, 80, "released-v2", 0.2, 128, 591, 92445, nullptr},
                      Anchor{21, 45, 80, "released-v2", 0.5, 128, 591, 106268, nullptr},
                      Anchor{21, 45, 80, "released-v1", 0.2, 128, 591, 85317, nullptr},
                      Anchor{21, 45, 80, "released-v1", 1, 128, 591, 132393, nullptr},
                      Anchor{81, 45, 80, "released-v2", 0.2, 128, 2279, 605235, nullptr},
                      Anchor{81, 45, 80, "released-v2", 1, 128, 2279, 846757, nullptr},
                      Anchor{81, 45, 80, "released-v1", 0.5, 128, 2279, 640829, nullptr},
                      Anchor{41, 48, 80, "released-v2", 1, 128, 1230, 399224, nullptr},
                      Anchor{32, 45, 80, "released-hunyuan", 0.2, 128, 900, 142212, nullptr},
                      Anchor{32, 45, 80, "released-hunyuan", 1, 128, 900, 226392, nullptr},
                      Anchor{64, 45, 80, "released-hunyuan", 0.5, 128, 1800, 437780, nullptr},
                      Anchor{128, 45, 80, "released-hunyuan", 1, 128, 3600, 1410160, nullptr},
                      Anchor{128, 45, 80, "released-v2", 1, 128, 3600, 1506926, nullptr},
                      Anchor{112, 30, 53, "released-v2", 1, 128, 1392, 279177, nullptr},
                      Anchor{20, 48, 80, "released-v2", 0.8, 64, 1200, 502720, nullptr}));

TEST(ReleasedRules, NameTheRowsThatTheReferenceLeavesEmpty) {
  // 544 x 960, 125 frames: 34 x 60 tokens, 32 latent frames.
  const VideoLayout layout{.frames = 32, .grid_h = 34, .grid_w = 60};
  const BlockPlan plan = BlockPlan::build(RadialMask(layout, {.rule = "released-hunyuan"}));
  EXPECT_EQ(plan.stats().empty_rows, 8);
  ASSERT_EQ(plan.warnings().size(), 1u);
  EXPECT_NE(plan.warnings()[0].find("(31, 47, 63, 79, 286,"), std::string::npos)
      << plan.warnings()[0];
}

TEST(ReleasedRules, SeeTextAndAreSeenByIt) {
  // 253 frames at 720p with 256 text tokens: zero fraction 0.8065 of the whole grid.
  const VideoLayout layout{.frames = 64, .grid_h = 45, .grid_w = 80, .text_tokens = 256};
  const BlockPlan plan = BlockPlan::build(RadialMask(layout, {.rule = "released-v2"}));
  EXPECT_NEAR(1 - plan.stats().density, 0.8065, 5e-5);
}

}  // namespace
}  // namespace radial
