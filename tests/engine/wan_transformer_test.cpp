#include "video/models/wan/wan_transformer.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/fixture.h"
#include "engine/masked_attention.h"
#include "engine/wan_transformer_fixture.h"
#include "radial/base/error.h"
#include "video/models/plan_cache.h"

namespace radial::video {
namespace {

class WanTransformerParity : public testing::Test {
 protected:
  WanTransformer model(at::ScalarType dtype = at::kFloat) const {
    TableSource source = fixture_.weights(dtype);
    WanTransformer made(wan_transformer_config(), source);
    source.finish();
    return made;
  }

  at::Tensor forward(const WanTransformer& transformer, TokenOrder order = {},
                     const LayerAttention& attention = {},
                     const WanTransformer::Tap& tap = {}) const {
    const at::Tensor latents = fixture_["hidden_states"];
    return transformer.forward(
        latents, fixture_["timestep"], transformer.prepare_text(fixture_["encoder_hidden_states"]),
        transformer.prepare_video(transformer.layout_of(latents, order), at::kCPU), attention, tap);
  }

  Fixture fixture_{"wan_transformer.safetensors"};
};

TEST_F(WanTransformerParity, IsThatOfDiffusersAtEveryStage) {
  std::map<std::string, at::Tensor> taps;
  const at::Tensor sample =
      forward(model(), {}, {},
              [&](const std::string& name, const at::Tensor& state) { taps[name] = state; });
  for (const char* name : {"time", "block.0", "block.1", "head"}) {
    SCOPED_TRACE(name);
    EXPECT_PARITY(taps.at(name), fixture_[std::string("tap.") + name]);
  }
  EXPECT_PARITY(sample, fixture_["sample"]);
}

TEST_F(WanTransformerParity, DoesNotDependOnTheTokenOrder) {
  const WanTransformer transformer = model();
  const at::Tensor raster = forward(transformer);
  EXPECT_PARITY(forward(transformer, TokenOrder::tiled(2, 3)), raster);
}

TEST_F(WanTransformerParity, RepeatsBitForBit) {
  const WanTransformer transformer = model();
  EXPECT_TRUE(at::equal(forward(transformer), forward(transformer)));
}

TEST_F(WanTransformerParity, Bfloat16StaysNear) {
  // The residual stream is float32; 2 % is what bf16 weights and products leave.
  EXPECT_LE(relative_l2(forward(model(at::kBFloat16)), fixture_["sample"]), 0.02);
}

TEST_F(WanTransformerParity, SparseAttentionIsThatOfTheTokenMask) {
  const WanTransformer transformer = model();
  // Longer than the fixture's clip, so that the mask leaves blocks out.
  at::Tensor latents = fixture_["hidden_states"].repeat({1, 1, 5, 3, 1});
  latents = latents + (at::arange(latents.numel(), at::kFloat) * 0.37).sin().view_as(latents);
  for (const TokenOrder order : {TokenOrder::raster(), TokenOrder::tiled(3, 5)}) {
    const VideoLayout layout = transformer.layout_of(latents, order);
    PlanCache plans;
    const auto plan = plans.plan(layout, {.block_size = 64, .decay_factor = 0.3});
    ASSERT_LT(plan->plan().stats().density, 0.9);
    const auto text = transformer.prepare_text(fixture_["encoder_hidden_states"]);
    const auto video = transformer.prepare_video(layout, at::kCPU);
    const auto run = [&](const LayerAttention& attention) {
      return transformer.forward(latents, fixture_["timestep"], text, video, attention);
    };
    for (const bool first_dense : {false, true}) {
      const at::Tensor ours = run(LayerAttention(planned_attention(plan), {first_dense}));
      EXPECT_PARITY(ours, run(LayerAttention(masked_attention(plan->plan()), {first_dense})));
      EXPECT_GT(relative_l2(ours, run({})), 1e-3) << "the mask changes nothing";
    }
  }
}

TEST_F(WanTransformerParity, ListsWhatACheckpointLacks) {
  std::map<std::string, at::Tensor> tensors;
  TableSource source(std::move(tensors));
  const WanTransformer empty(wan_transformer_config(), source);
  EXPECT_THROW(source.finish(), FormatError);
}

TEST_F(WanTransformerParity, RefusesOtherShapes) {
  const WanTransformer transformer = model();
  const auto text = transformer.prepare_text(fixture_["encoder_hidden_states"]);
  const at::Tensor latents = fixture_["hidden_states"];
  const auto video = transformer.prepare_video(transformer.layout_of(latents), at::kCPU);
  EXPECT_THROW(transformer.layout_of(latents.narrow(3, 0, 5)), InvalidArgument);
  EXPECT_THROW(transformer.layout_of(latents.narrow(1, 0, 5)), InvalidArgument);
  EXPECT_THROW(transformer.prepare_text(latents), InvalidArgument);
  EXPECT_THROW(transformer.forward(latents.narrow(2, 0, 2), fixture_["timestep"], text, video),
               InvalidArgument);
  EXPECT_THROW(transformer.forward(latents, fixture_["timestep"].narrow(0, 0, 1), text, video),
               InvalidArgument);
  VideoLayout large = video.layout;
  large.grid_w = 33;
  EXPECT_THROW(transformer.prepare_video(large, at::kCPU), InvalidArgument);
}

TEST(WanTransformer, HasTheParametersOfThePublishedSizes) {
  WanConfig small;  // T2V-1.3B
  small.num_attention_heads = 12;
  small.ffn_dim = 8960;
  small.num_layers = 30;
  ShapeSource shapes(at::kBFloat16);
  const WanTransformer made(small, shapes);
  EXPECT_EQ(shapes.shapes().at("blocks.29.ffn.net.0.proj.weight"),
            (std::vector<std::int64_t>{8960, 1536}));
  EXPECT_EQ(shapes.num_parameters(), 1418996800);
}

}  // namespace
}  // namespace radial::video
