#include "video/checkpoint/inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/safetensors.h"

namespace radial::video {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

void write_file(const std::filesystem::path& path, const std::vector<std::string>& names) {
  static const std::vector<std::byte> zeros(8);
  std::filesystem::create_directories(path.parent_path());
  std::vector<TensorData> tensors;
  for (const std::string& name : names) {
    tensors.push_back({name, ElementType::kBF16, {2, 2}, zeros, nullptr});
  }
  write_safetensors(path, tensors);
}

TEST(Inspection, SaysWhatAFileOfWeightsIs) {
  const TemporaryFolder folder;
  write_file(folder.file("m.safetensors"), {"blocks.0.self_attn.q.weight", "head.modulation"});
  const Inspection found = inspect(folder.file("m.safetensors"));
  ASSERT_TRUE(found.weights.has_value());
  EXPECT_EQ(found.weights->kind, PartKind::kWanTransformer);
  EXPECT_EQ(found.weights->layout, Layout::kOfficial);
  EXPECT_EQ(found.weights->num_parameters, 8);
  EXPECT_EQ(found.weights->bytes, 16u);
  EXPECT_THAT(found.weights->parameters_of_type, ElementsAre(Pair("BF16", 8)));
  EXPECT_TRUE(is_complete(found));
}

TEST(Inspection, ShowsRankAndTargetsOfALora) {
  const TemporaryFolder folder;
  write_file(folder.file("l.safetensors"), {"transformer.blocks.0.attn1.to_q.lora_A.weight",
                                            "transformer.blocks.0.attn1.to_q.lora_B.weight",
                                            "transformer.blocks.1.attn1.to_q.lora_A.weight"});
  const Inspection found = inspect(folder.file("l.safetensors"));
  ASSERT_TRUE(found.weights->lora.has_value());
  EXPECT_EQ(found.weights->lora->greatest_rank, 2);
  EXPECT_THAT(found.weights->lora->targets, ElementsAre(Pair("attn1.to_q", 2)));
}

TEST(Inspection, ListsThePartsOfAFolderAndWhatIsMissing) {
  const TemporaryFolder folder;
  write_file(folder.file("transformer/model.safetensors"), {"blocks.0.attn1.to_q.weight"});
  folder.write("vae/model.safetensors", "damaged");
  folder.write("tokenizer/spiece.model", "");
  const Inspection found = inspect(folder.path());
  EXPECT_EQ(found.folder_layout, Layout::kDiffusers);
  std::map<std::string, bool> present;
  for (const PartFacts& part : found.parts) present[part.name] = part.is_present;
  EXPECT_TRUE(present.at("transformer"));
  EXPECT_TRUE(present.at("tokenizer"));
  EXPECT_FALSE(present.at("text_encoder"));
  EXPECT_THAT(found.parts.at(2).weights->problem, HasSubstr("no safetensors file"));
  EXPECT_FALSE(is_complete(found));
}

TEST(Inspection, DamageIsReportedAndNotThrown) {
  const TemporaryFolder folder;
  for (const char* name : {"a.safetensors", "b.pth", "c.txt"}) {
    for (const char* content : {"", "x", "PK\3\4 something"}) {
      const Inspection found = inspect(folder.write(name, content));
      EXPECT_FALSE(found.weights->problem.empty()) << name;
      EXPECT_FALSE(is_complete(found));
    }
  }
  EXPECT_THROW(inspect(folder.file("none")), Error);
}

}  // namespace
}  // namespace radial::video
