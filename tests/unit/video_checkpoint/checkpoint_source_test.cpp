#include "video/checkpoint/checkpoint_source.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/memory_source.h"

namespace radial::video {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::map<std::string, at::Tensor> some_weights() {
  return {{"blocks.0.self_attn.q.weight", at::arange(6, at::kFloat).view({2, 3})},
          {"blocks.0.norm3.weight", at::ones({3})},
          {"head.modulation", at::full({1, 2, 3}, 0.5, at::kFloat)}};
}

TEST(CheckpointSource, GivesOfficialWeightsUnderCanonicalNames) {
  const TemporaryFolder folder;
  const auto weights = some_weights();
  save_tensors(folder.file("m.safetensors"), weights);
  CheckpointSource source(Checkpoint::open(folder.file("m.safetensors")), PartKind::kWanTransformer,
                          {});
  const TensorScope block = TensorScope(source) / "blocks.0";
  EXPECT_TRUE(at::equal((block / "attn1").tensor("to_q.weight", {2, 3}),
                        weights.at("blocks.0.self_attn.q.weight")));
  EXPECT_TRUE(block.has("norm2.weight"));
  EXPECT_FALSE(block.has("norm3.weight"));
  block.tensor("norm2.weight", {3});
  source.tensor("scale_shift_table", {1, 2, 3});
  source.finish();
}

TEST(CheckpointSource, ListsEveryProblemInOneLine) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m.safetensors"), some_weights());
  CheckpointSource source(Checkpoint::open(folder.file("m.safetensors")), PartKind::kWanTransformer,
                          {});
  EXPECT_TRUE(source.tensor("blocks.0.attn1.to_q.weight", {2, 4}).is_meta());
  EXPECT_TRUE(source.tensor("blocks.0.attn1.to_k.weight", {2, 3}).is_meta());
  source.tensor("scale_shift_table", {1, 2, 3});
  EXPECT_THAT(
      message_of<FormatError>([&] { source.finish(); }),
      AllOf(HasSubstr("missing 1: blocks.0.attn1.to_k.weight"),
            HasSubstr("blocks.0.attn1.to_q.weight (is [2, 3], expected [2, 4])"),
            HasSubstr("unexpected 1: blocks.0.norm2.weight"), Not(HasSubstr("scale_shift_table"))));
}

TEST(CheckpointSource, ConvertsFloatsAndSharesWhatFits) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m.safetensors"), some_weights());
  CheckpointSource half(Checkpoint::open(folder.file("m.safetensors")), PartKind::kWanTransformer,
                        {.dtype = at::kBFloat16});
  EXPECT_EQ(half.tensor("blocks.0.norm2.weight", {3}).scalar_type(), at::kBFloat16);
  EXPECT_EQ(half.tensor("scale_shift_table", {1, 2, 3}, at::kFloat).scalar_type(), at::kFloat);
  // Two loads of the same tensor are views of the same map.
  EXPECT_EQ(half.tensor("scale_shift_table", {1, 2, 3}, at::kFloat).const_data_ptr(),
            half.tensor("scale_shift_table", {1, 2, 3}, at::kFloat).const_data_ptr());
}

TEST(CheckpointSource, TensorsOutliveTheFile) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m.safetensors"), some_weights());
  at::Tensor kept;
  {
    CheckpointSource source(Checkpoint::open(folder.file("m.safetensors")),
                            PartKind::kWanTransformer, {});
    kept = source.tensor("blocks.0.attn1.to_q.weight", {2, 3});
  }
  std::filesystem::remove(folder.file("m.safetensors"));
  EXPECT_TRUE(at::equal(kept, some_weights().at("blocks.0.self_attn.q.weight")));
}

TEST(CheckpointSource, ANanWeightIsAnErrorWhenItIsLoaded) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf, at::kFloat8_e4m3fn}) {
    const TemporaryFolder folder;
    auto weights = some_weights();
    at::Tensor& damaged = weights.at("blocks.0.norm3.weight");
    damaged[1] = std::numeric_limits<float>::quiet_NaN();
    damaged = damaged.to(dtype);
    save_tensors(folder.file("m.safetensors"), weights);
    CheckpointSource source(Checkpoint::open(folder.file("m.safetensors")),
                            PartKind::kWanTransformer, {});
    source.tensor("scale_shift_table", {1, 2, 3});
    EXPECT_THAT(message_of<FormatError>([&] { source.tensor("blocks.0.norm2.weight", {3}); }),
                AllOf(HasSubstr("blocks.0.norm3.weight"), HasSubstr("NaN")));
    CheckpointSource unchecked(Checkpoint::open(folder.file("m.safetensors")),
                               PartKind::kWanTransformer, {.check_finite = false});
    EXPECT_NO_THROW(unchecked.tensor("blocks.0.norm2.weight", {3}));
  }
}

TEST(CheckpointSource, RefusesAnotherKindOfNetwork) {
  const TemporaryFolder folder;
  save_tensors(folder.file("m.safetensors"), some_weights());
  EXPECT_THAT(message_of<FormatError>([&] {
                CheckpointSource(Checkpoint::open(folder.file("m.safetensors")), PartKind::kUmt5,
                                 {});
              }),
              HasSubstr("expected a UMT5 encoder, got Wan transformer"));
}

TEST(TensorFile, EveryElementTypeSurvivesARoundTrip) {
  const TemporaryFolder folder;
  for (int index = 0; index <= static_cast<int>(ElementType::kF64); ++index) {
    const at::ScalarType dtype = scalar_type(static_cast<ElementType>(index));
    const at::Tensor tensor = at::arange(6, at::kFloat).view({2, 3}).t().to(dtype);
    save_tensors(folder.file("t.safetensors"), {{"x", tensor}}, {{"a", "b"}});
    const at::Tensor read = load_tensors(folder.file("t.safetensors")).at("x");
    EXPECT_EQ(read.scalar_type(), dtype);
    EXPECT_TRUE(at::equal(read.to(at::kDouble), tensor.to(at::kDouble))) << dtype;
  }
  EXPECT_THROW(save_tensors(folder.file("t"), {{"x", at::zeros({1}, at::kComplexFloat)}}),
               InvalidArgument);
}

TEST(ShapeSource, NotesWhatAModelAsksFor) {
  ShapeSource source(at::kBFloat16);
  const at::Tensor tensor = (TensorScope(source) / "layer").tensor("weight", {3, 5});
  EXPECT_TRUE(tensor.is_meta());
  EXPECT_EQ(tensor.scalar_type(), at::kBFloat16);
  EXPECT_EQ(source.num_parameters(), 15);
  EXPECT_TRUE(source.shapes().contains("layer.weight"));
  source.finish();
}

}  // namespace
}  // namespace radial::video
