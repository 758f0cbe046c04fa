#include "video/lora/lora_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"

namespace radial::video {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Tensors = std::map<std::string, at::Tensor>;

const at::Tensor& down() {
  static const at::Tensor tensor = at::arange(6, at::kFloat).view({2, 3});
  return tensor;
}
const at::Tensor& up() {
  static const at::Tensor tensor = at::arange(8, at::kFloat).view({4, 2}) - 3;
  return tensor;
}

LoraFile lora_of(const TemporaryFolder& folder, const Tensors& tensors,
                 const std::map<std::string, std::string>& metadata = {}) {
  save_tensors(folder.file("lora.safetensors"), tensors, metadata);
  return LoraFile::open(folder.file("lora.safetensors"));
}

at::Tensor delta_of_query(const LoraFile& lora) {
  return lora.delta("blocks.1.attn1.to_q.weight", {4, 3});
}

TEST(LoraFile, EveryDialectChangesTheSameWeight) {
  for (const auto& [a, b] : std::map<std::string, std::string>{
           {"transformer.blocks.1.attn1.to_q.lora_A.weight",
            "transformer.blocks.1.attn1.to_q.lora_B.weight"},
           {"diffusion_model.blocks.1.self_attn.q.lora_down.weight",
            "diffusion_model.blocks.1.self_attn.q.lora_up.weight"},
           {"base_model.model.blocks.1.self_attn.q.lora_A.default.weight",
            "base_model.model.blocks.1.self_attn.q.lora_B.default.weight"},
           {"blocks.1.attn1.to_q.lora_A.weight", "blocks.1.attn1.to_q.lora_B.weight"}}) {
    const TemporaryFolder folder;
    const LoraFile lora = lora_of(folder, {{a, down()}, {b, up()}});
    EXPECT_THAT(lora.targets(), ElementsAre("blocks.1.attn1.to_q.weight")) << a;
    EXPECT_EQ(lora.ranks(), std::pair(std::int64_t{2}, std::int64_t{2}));
    EXPECT_TRUE(at::allclose(delta_of_query(lora), at::matmul(up(), down()))) << a;
  }
}

TEST(LoraFile, AlphaComesFromTheModuleOrTheMetadata) {
  const TemporaryFolder folder;
  const at::Tensor product = at::matmul(up(), down());
  const std::string module = "diffusion_model.blocks.1.self_attn.q";
  EXPECT_TRUE(at::allclose(
      delta_of_query(lora_of(folder, {{module + ".lora_A.weight", down()},
                                      {module + ".lora_B.weight", up()},
                                      {module + ".alpha", at::full({}, 6.0, at::kFloat)}})),
      product * 3));
  const Tensors pair{{"transformer.blocks.1.attn1.to_q.lora_A.weight", down()},
                     {"transformer.blocks.1.attn1.to_q.lora_B.weight", up()}};
  EXPECT_TRUE(at::allclose(
      delta_of_query(
          lora_of(folder, pair, {{"lora_adapter_metadata", R"({"transformer.lora_alpha":1})"}})),
      product * 0.5));
  EXPECT_TRUE(at::allclose(
      delta_of_query(lora_of(
          folder, pair,
          {{"lora_adapter_metadata",
            R"({"transformer.lora_alpha":1,"transformer.alpha_pattern":{"attn1.to_q":8}})"}})),
      product * 4));
}

TEST(LoraFile, WholeChangesReachWeightsBiasesAndTables) {
  const TemporaryFolder folder;
  const LoraFile lora = lora_of(folder, {{"diffusion_model.blocks.0.norm3.diff", at::ones({3})},
                                         {"diffusion_model.blocks.0.ffn.0.diff_b", at::ones({5})},
                                         {"diffusion_model.blocks.0.diff_m", at::ones({1, 6, 3})}});
  EXPECT_THAT(lora.targets(), ElementsAre("blocks.0.ffn.net.0.proj.bias", "blocks.0.norm2.weight",
                                          "blocks.0.scale_shift_table"));
}

TEST(LoraFile, NamesTheKeyThatIsWrong) {
  const TemporaryFolder folder;
  const auto error = [&](const Tensors& tensors) {
    return message_of<FormatError>([&] { lora_of(folder, tensors); });
  };
  const std::string module = "blocks.1.attn1.to_q";
  EXPECT_THAT(error({{module + ".lora_A.weight", down()}}), HasSubstr("half of a pair"));
  EXPECT_THAT(error({{module + ".lora_A.weight", down()}, {module + ".lora_B.weight", up().t()}}),
              HasSubstr("do not fit together"));
  EXPECT_THAT(error({{"text_model.x.lora_A.weight", down()}}), HasSubstr("no such module"));
  EXPECT_THAT(error({{module + ".dora_scale", down()}}), HasSubstr("dora_scale"));
  EXPECT_THAT(error({}), HasSubstr("no LoRA"));
  const LoraFile lora =
      lora_of(folder, {{module + ".lora_A.weight", down()}, {module + ".lora_B.weight", up()}});
  EXPECT_THAT(message_of<FormatError>([&] {
                lora.delta("blocks.1.attn1.to_q.weight", {3, 4});
              }),
              HasSubstr("[3, 4]"));
}

TEST(LoraFile, IsAddedToTheWeightsOfACheckpointInFloat32) {
  const TemporaryFolder folder;
  const at::Tensor weight = at::full({4, 3}, 100.0, at::kFloat).to(at::kBFloat16);
  save_tensors(folder.file("m.safetensors"), {{"blocks.0.self_attn.q.weight", weight}});
  save_tensors(folder.file("a.safetensors"), {{"blocks.0.attn1.to_q.lora_A.weight", down()},
                                              {"blocks.0.attn1.to_q.lora_B.weight", up()}});
  CheckpointSource source(Checkpoint::open(folder.file("m.safetensors")), PartKind::kWanTransformer,
                          {});
  apply_loras(source, {{folder.file("a.safetensors"), 0.25}, {folder.file("a.safetensors"), 0.5}});
  const at::Tensor merged = source.tensor("blocks.0.attn1.to_q.weight", {4, 3});
  EXPECT_TRUE(at::allclose(merged, at::matmul(up(), down()) * 0.75 + 100));
}

TEST(LoraFile, ATargetThatTheModelLacksIsAnError) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m.safetensors"), {{"blocks.0.self_attn.q.weight", at::ones({4, 3})}});
  save_tensors(folder.file("a.safetensors"), {{"blocks.7.attn1.to_q.lora_A.weight", down()},
                                              {"blocks.7.attn1.to_q.lora_B.weight", up()}});
  CheckpointSource source(Checkpoint::open(folder.file("m.safetensors")), PartKind::kWanTransformer,
                          {});
  EXPECT_THAT(message_of<FormatError>([&] {
                apply_loras(source, {{folder.file("a.safetensors"), 1}});
              }),
              HasSubstr("the model has no blocks.7.attn1.to_q.weight"));
}

}  // namespace
}  // namespace radial::video
