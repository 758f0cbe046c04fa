#include "train_base/dit_sizes.h"

#include <nlohmann/json.hpp>

#include "options/option_values.h"
#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"
#include "video/text/prompt_cleaning.h"
#include "video/text/train_tokenizer.h"
#include "video/world/caption.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTransformer = R"({
  "_class_name": "WanTransformer3DModel", "num_attention_heads": 4, "attention_head_dim": 64,
  "ffn_dim": 1024, "num_layers": 8, "text_dim": 256, "text_len": 64, "freq_dim": 256})";
constexpr const char* kTextEncoder = R"({
  "model_type": "umt5", "feed_forward_proj": "gated-gelu", "vocab_size": 2048, "d_model": 256,
  "d_kv": 64, "d_ff": 384, "num_layers": 4, "num_heads": 4})";

}  // namespace

DitSizes dit_sizes(const std::string& config, std::int64_t z_dim) {
  nlohmann::json transformer = nlohmann::json::parse(kTransformer);
  nlohmann::json text = nlohmann::json::parse(kTextEncoder);
  std::string where = "the shipped model";
  try {
    if (!config.empty()) {
      if (!fs::is_regular_file(config)) refuse("--config", "a JSON file", config);
      where = config;
      const nlohmann::json changes =
          video::parse_json_object(video::read_text_file(config), config);
      for (const auto& [name, change] : changes.items()) {
        const bool known = name == "transformer" || name == "text_encoder";
        if (!known || !change.is_object()) {
          refuse("--config", "JSON objects transformer and text_encoder", name);
        }
        (name == "transformer" ? transformer : text).merge_patch(change);
      }
    }
    transformer["in_channels"] = transformer["out_channels"] = z_dim;
    DitSizes sizes{.transformer = video::parse_wan_config(transformer.dump(), where),
                   .text = video::parse_umt5_config(text.dump(), where)};
    RADIAL_REQUIRE(sizes.transformer.text_dim == sizes.text.d_model,
                   "--config: expected text_dim of the transformer to be d_model of the text "
                   "encoder, got ",
                   sizes.transformer.text_dim, " and ", sizes.text.d_model);
    // What a file of weights is recognised by as an encoder of this kind is in the second layer.
    RADIAL_REQUIRE(sizes.text.num_layers >= 2,
                   "--config: expected a text encoder of at least 2 layers, got ",
                   sizes.text.num_layers);
    return sizes;
  } catch (const FormatError& error) {
    throw InvalidArgument(concat("--config: ", error.what()));
  }
}

void make_tokenizer(const fs::path& folder, std::uint64_t seed) {
  constexpr std::uint64_t kCaptions = 20000;
  constexpr int kMaxVocabulary = 2048;
  if (fs::is_directory(folder)) return;
  std::vector<std::string> captions;
  for (std::uint64_t i = 0; i < kCaptions; ++i) {
    captions.push_back(
        video::clean_prompt(video::caption(video::sample_training_scene(seed, i), i % 8)));
  }
  fs::path made = folder;
  made += ".part";
  fs::remove_all(made);  // of a run that was killed
  video::train_tokenizer(captions, kMaxVocabulary, made);
  fs::rename(made, folder);
}

}  // namespace radial::tools
