#include "video/nn/recompute.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/fixture.h"
#include "engine/wan_transformer_fixture.h"
#include "video/models/wan/wan_transformer.h"

namespace radial::video {
namespace {

TEST(Recompute, GivesTheGradientsOfTheFunction) {
  const at::Tensor weight = at::randn({5, 5}).requires_grad_(), x = at::randn({3, 5});
  int calls = 0;
  const TensorFunction function = [&](const std::vector<at::Tensor>& in) {
    ++calls;
    return std::vector<at::Tensor>{at::matmul(in[0], weight).tanh() * in[1], in[1].exp()};
  };
  const auto gradients = [&](bool again) {
    std::vector<at::Tensor> in{x.clone().requires_grad_(), at::full({1}, 0.5F).requires_grad_()};
    const std::vector<at::Tensor> out = again ? recomputed(function, in) : function(in);
    (out[0].square().sum() + out[1].sum()).backward();
    std::vector<at::Tensor> found{in[0].grad(), in[1].grad(), weight.grad().clone()};
    weight.mutable_grad().reset();
    return found;
  };
  const std::vector<at::Tensor> expected = gradients(false);
  EXPECT_EQ(calls, 1);
  const std::vector<at::Tensor> found = gradients(true);
  EXPECT_EQ(calls, 3);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(at::equal(found[i], expected[i])) << i;
}

TEST(Recompute, ReachesWeightsThoughNoInputWantsAGradient) {
  const at::Tensor weight = at::ones({2}).requires_grad_();
  const auto out = recomputed(
      [&](const std::vector<at::Tensor>& in) { return std::vector<at::Tensor>{in[0] * weight}; },
      {at::full({2}, 3.0F)});
  out[0].sum().backward();
  EXPECT_TRUE(at::equal(weight.grad(), at::full({2}, 3.0F)));
}

TEST(Recompute, KeepsNothingWhereNoGradientsAreRecorded) {
  const at::AutoGradMode no_gradients(false);
  const auto out = recomputed([](const std::vector<at::Tensor>& in) { return in; },
                              {at::ones({2}).requires_grad_()});
  EXPECT_EQ(out[0].grad_fn(), nullptr);
}

class Adapters : public testing::Test {
 protected:
  Adapters() : model_(make()), parameters_(model_.add_adapters(3)) {}

  WanTransformer make() const {
    TableSource source = fixture_.weights();
    return {wan_transformer_config(), source};
  }

  at::Tensor flow() {
    const at::Tensor latents = fixture_["hidden_states"];
    text_ = model_.prepare_text(fixture_["encoder_hidden_states"]);
    video_ = model_.prepare_video(model_.layout_of(latents), at::kCPU);
    return model_.forward(latents, fixture_["timestep"], text_, video_);
  }

  std::vector<at::Tensor> gradients(std::int64_t recompute_every) {
    model_.recompute_every(recompute_every);
    flow().square().mean().backward();
    std::vector<at::Tensor> found;
    for (at::Tensor& parameter : parameters_) {
      found.push_back(parameter.grad().clone());
      parameter.mutable_grad().reset();
    }
    return found;
  }

  Fixture fixture_{"wan_transformer.safetensors"};
  WanTransformer model_;
  std::vector<at::Tensor> parameters_;
  WanTransformer::Text text_;
  WanTransformer::Video video_;
};

TEST_F(Adapters, AllHaveTheSameGradientsHoweverOftenBlocksAreComputed) {
  EXPECT_EQ(parameters_.size(), 2u * 8 * 2);  // blocks, projections, down and up
  const std::vector<at::Tensor> kept = gradients(0);
  for (const at::Tensor& gradient : kept) EXPECT_GT(gradient.abs().max().item<float>(), 0);
  for (const std::int64_t every : {1, 2, 5}) {
    const std::vector<at::Tensor> again = gradients(every);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_TRUE(at::equal(again[i], kept[i])) << "every " << every << ", parameter " << i;
    }
  }
}

// The change of a projection is that of its weight: the output is the one of merged weights.
TEST_F(Adapters, AreAChangeOfTheWeights) {
  const at::AutoGradMode no_gradients(false);
  const at::Tensor unchanged = fixture_["sample"], changed = flow();
  std::map<std::string, at::Tensor> merged;
  for (const auto& [name, tensor] :
       load_tensors(std::filesystem::path(RADIAL_PARITY_DATA) / "wan_transformer.safetensors")) {
    if (name.starts_with("weights.")) merged[name.substr(8)] = tensor;
  }
  std::size_t next = 0;
  for (const char* block : {"blocks.0.", "blocks.1."}) {
    for (const char* attention : {"attn1.", "attn2."}) {
      for (const char* projection : {"to_q", "to_k", "to_v", "to_out.0"}) {
        const std::string name = std::string(block) + attention + projection + ".weight";
        merged[name] = merged[name] + at::matmul(parameters_[next + 1], parameters_[next]);
        next += 2;
      }
    }
  }
  TableSource source(merged);
  const WanTransformer other(wan_transformer_config(), source);
  const at::Tensor expected =
      other.forward(fixture_["hidden_states"], fixture_["timestep"],
                    other.prepare_text(fixture_["encoder_hidden_states"]), video_);
  EXPECT_LT(relative_l2(changed, expected), 1e-5);
  EXPECT_GT(relative_l2(changed, unchanged), 1e-4);
}

}  // namespace
}  // namespace radial::video
