#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/json_text.h"
#include "video/text/prompt_encoder.h"

namespace radial::video {
namespace {

constexpr const char* kFolder = RADIAL_PARITY_DATA "/umt5_small";

Umt5Config config_of_fixture() {
  const std::string path = std::string(kFolder) + "/text_encoder/config.json";
  return parse_umt5_config(read_text_file(path), path);
}

Umt5Encoder encoder_of(const std::filesystem::path& path, at::ScalarType dtype = at::kFloat) {
  CheckpointSource source(Checkpoint::open(path), PartKind::kUmt5, {.dtype = dtype});
  return Umt5Encoder(config_of_fixture(), source);
}

Umt5Encoder encoder_of_fixture(at::ScalarType dtype = at::kFloat) {
  return encoder_of(std::string(kFolder) + "/text_encoder", dtype);
}

double greatest_difference(const at::Tensor& left, const at::Tensor& right) {
  return (left.to(at::kDouble) - right.to(at::kDouble)).abs().max().item<double>();
}

std::vector<std::string> prompts_of_fixture() {
  const std::string path = std::string(kFolder) + "/prompts.json";
  return parse_json_object(read_text_file(path), path).at("prompts");
}

// tests/parity/generate/umt5_small.py: embeddings by transformers in float32 and in double.
TEST(Umt5Encoder, IsAsNearToTheExactEmbeddingsAsTransformersIs) {
  const auto expected = load_tensors(std::string(kFolder) + "/expected.safetensors");
  const Tokenizer tokenizer = Tokenizer::open(std::string(kFolder) + "/tokenizer");
  const Umt5Encoder encoder = encoder_of_fixture();
  constexpr double kNoise = 1e-6;  // a few roundings of numbers around 2
  int index = 0;
  for (const std::string& prompt : prompts_of_fixture()) {
    const std::string number = std::to_string(index++);
    const at::Tensor& exact = expected.at("exact_" + number);
    const EncodedPrompt encoded =
        encode_prompt(tokenizer, encoder, prompt, exact.size(1), at::kCPU);
    EXPECT_LE(greatest_difference(encoded.embeds, exact),
              2 * greatest_difference(expected.at("embeds_" + number), exact) + kNoise)
        << prompt;
  }
}

TEST(Umt5Encoder, RowsBeyondThePromptAreZero) {
  const Tokenizer tokenizer = Tokenizer::open(std::string(kFolder) + "/tokenizer");
  const EncodedPrompt encoded =
      encode_prompt(tokenizer, encoder_of_fixture(), "a red fox", 40, at::kCPU);
  EXPECT_EQ(encoded.embeds.sizes(), at::IntArrayRef({1, 40, 24}));
  EXPECT_EQ(encoded.embeds.slice(1, encoded.num_tokens).abs().max().item<double>(), 0.0);
  EXPECT_GT(encoded.embeds.select(1, encoded.num_tokens - 1).abs().max().item<double>(), 0.0);
}

TEST(Umt5Encoder, ABatchOfTextsGivesWhatEachGivesAlone) {
  const Umt5Encoder encoder = encoder_of_fixture();
  const at::Tensor ids =
      at::tensor({7, 30, 12, 1, 0, 0, 90, 5, 61, 44, 8, 1}, at::kLong).view({2, 6});
  const std::vector<std::int64_t> num_tokens{4, 6};
  const at::Tensor both = encoder.forward(ids, num_tokens);
  for (int row = 0; row < 2; ++row) {
    const std::int64_t count = num_tokens[row];
    const at::Tensor alone = encoder.forward(ids.narrow(0, row, 1).narrow(1, 0, count))[0];
    // Not bit for bit: products of another size add up in another order, which the fixture's large
    // attention scores magnify.
    EXPECT_LE(greatest_difference(both[row].narrow(0, 0, count), alone), 5e-4) << row;
  }
  EXPECT_EQ(both[0].narrow(0, 4, 2).abs().max().item<double>(), 0.0);
  EXPECT_GT(greatest_difference(encoder.forward(ids)[0].narrow(0, 0, 4), both[0].narrow(0, 0, 4)),
            5e-2)
      << "padding changes nothing";
  EXPECT_THROW(encoder.forward(ids, {4}), InvalidArgument);
  EXPECT_THROW(encoder.forward(ids, {0, 6}), InvalidArgument);
  EXPECT_THROW(encoder.forward(ids, {4, 7}), InvalidArgument);
}

TEST(Umt5Encoder, TheOfficialLayoutGivesTheSameEmbeddings) {
  const TemporaryFolder folder;
  const auto stored = load_tensors(std::string(kFolder) + "/text_encoder/model.safetensors");
  std::map<std::string, at::Tensor> official;
  for (const auto& [name, tensor] : stored) {
    const auto renamed = umt5_key_map().to_official(name);
    ASSERT_TRUE(renamed.has_value()) << name;
    official.emplace(*renamed, tensor);
  }
  save_tensors(folder.file("models_t5.safetensors"), official);
  const Tokenizer tokenizer = Tokenizer::open(std::string(kFolder) + "/tokenizer");
  const auto embeds = [&](const Umt5Encoder& encoder) {
    return encode_prompt(tokenizer, encoder, "a whale", 32, at::kCPU).embeds;
  };
  EXPECT_TRUE(at::equal(embeds(encoder_of(folder.path())), embeds(encoder_of_fixture())));
}

TEST(Umt5Encoder, InLowPrecisionItErrsNoMoreThanTwiceAsMuchAsTransformers) {
  const auto expected = load_tensors(std::string(kFolder) + "/expected.safetensors");
  const Tokenizer tokenizer = Tokenizer::open(std::string(kFolder) + "/tokenizer");
  const std::string prompt = prompts_of_fixture().front();
  const at::Tensor& exact = expected.at("exact_0");
  for (const auto& [dtype, name] : {std::pair(at::kBFloat16, "bfloat16"), {at::kHalf, "float16"}}) {
    const EncodedPrompt encoded =
        encode_prompt(tokenizer, encoder_of_fixture(dtype), prompt, exact.size(1), at::kCPU);
    EXPECT_EQ(encoded.embeds.scalar_type(), dtype);
    EXPECT_LE(greatest_difference(encoded.embeds, exact),
              2 * greatest_difference(expected.at(name), exact))
        << name;
  }
}

TEST(Umt5Encoder, ATokenBeyondTheVocabularyIsAnError) {
  const Tokenizer tokenizer = Tokenizer::open(std::string(kFolder) + "/tokenizer");
  Umt5Config config = config_of_fixture();
  config.vocab_size = 4;
  auto weights = load_tensors(std::string(kFolder) + "/text_encoder/model.safetensors");
  weights.at("shared.weight") = weights.at("shared.weight").slice(0, 0, 4);
  const TemporaryFolder folder;
  save_tensors(folder.file("model.safetensors"), weights);
  CheckpointSource source(Checkpoint::open(folder.path()), PartKind::kUmt5, {});
  const Umt5Encoder encoder(config, source);
  EXPECT_THROW(encode_prompt(tokenizer, encoder, "a red fox", 16, at::kCPU), FormatError);
}

TEST(RelativePositionBuckets, AreExactNearAndWidenFarAway) {
  const at::Tensor buckets = relative_position_buckets(300, 32, 128);
  const auto bucket = [&](int query, int key) { return buckets[query][key].item<std::int64_t>(); };
  EXPECT_EQ(bucket(5, 5), 0);
  EXPECT_EQ(bucket(5, 4), 1);
  EXPECT_EQ(bucket(5, 6), 17);
  EXPECT_EQ(bucket(10, 3), 7);
  EXPECT_EQ(bucket(20, 12), 8);
  EXPECT_EQ(bucket(299, 0), 15);
  EXPECT_EQ(bucket(0, 299), 31);
  EXPECT_EQ(bucket(128, 0), 15);
}

}  // namespace
}  // namespace radial::video
