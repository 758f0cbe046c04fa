// The networks of Wan 2.1 at full size, built without their memory on the meta device: what they
// ask a checkpoint for is, name by name and shape by shape, what the published models hold. The
// lists were written by tests/parity/generate/full_size_shapes.py from diffusers, transformers and
// the official code.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "video/checkpoint/json_text.h"
#include "video/checkpoint/memory_source.h"
#include "video/checkpoint/model_config.h"
#include "video/checkpoint/model_part.h"
#include "video/models/wan/wan_transformer.h"
#include "video/text/umt5_encoder.h"
#include "video/vae/wan_vae.h"

namespace radial::video {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

struct Published {
  const char* name;  ///< in full_size_shapes.json
  PartKind kind;
  std::int64_t num_tensors, num_parameters;
  std::vector<const char*> configs;  ///< config.json of the diffusers layout, then of the official
  std::function<void(const std::string& config, TensorSource& source)> build;
};

void PrintTo(const Published& model, std::ostream* out) { *out << model.name; }

void build_transformer(const std::string& config, TensorSource& source) {
  const WanTransformer built(parse_wan_config(config, "config.json"), source);
  source.finish();
}

void build_text_encoder(const std::string& config, TensorSource& source) {
  const Umt5Encoder built(parse_umt5_config(config, "config.json"), source);
}

void build_vae(const std::string& config, TensorSource& source) {
  const WanVae built(
      config.empty() ? official_wan_vae_config() : parse_wan_vae_config(config, "config.json"),
      source);
  source.finish();
}

// The keys of each config.json that the engine reads, from Wan-AI/Wan2.1-T2V-1.3B-Diffusers and
// -14B-Diffusers (transformer/, text_encoder/, vae/), Wan-AI/Wan2.1-T2V-1.3B and -14B.
std::vector<Published> published() {
  return {
      {"wan_t2v_1.3b",
       PartKind::kWanTransformer,
       825,
       1'418'996'800,
       {R"({"_class_name":"WanTransformer3DModel","added_kv_proj_dim":null,
            "attention_head_dim":128,"cross_attn_norm":true,"eps":1e-06,"ffn_dim":8960,
            "freq_dim":256,"image_dim":null,"in_channels":16,"num_attention_heads":12,
            "num_layers":30,"out_channels":16,"patch_size":[1,2,2],
            "qk_norm":"rms_norm_across_heads","rope_max_seq_len":1024,"text_dim":4096})",
        R"({"_class_name":"WanModel","dim":1536,"eps":1e-06,"ffn_dim":8960,"freq_dim":256,
            "in_dim":16,"model_type":"t2v","num_heads":12,"num_layers":30,"out_dim":16,
            "text_len":512})"},
       build_transformer},
      {"wan_t2v_14b",
       PartKind::kWanTransformer,
       1095,
       14'288'491'584,
       {R"({"_class_name":"WanTransformer3DModel","added_kv_proj_dim":null,
            "attention_head_dim":128,"cross_attn_norm":true,"eps":1e-06,"ffn_dim":13824,
            "freq_dim":256,"image_dim":null,"in_channels":16,"num_attention_heads":40,
            "num_layers":40,"out_channels":16,"patch_size":[1,2,2],
            "qk_norm":"rms_norm_across_heads","rope_max_seq_len":1024,"text_dim":4096})",
        R"({"_class_name":"WanModel","dim":5120,"eps":1e-06,"ffn_dim":13824,"freq_dim":256,
            "in_dim":16,"model_type":"t2v","num_heads":40,"num_layers":40,"out_dim":16,
            "text_len":512})"},
       build_transformer},
      {"umt5_xxl",
       PartKind::kUmt5,
       242,
       5'680'910'336,
       {R"({"architectures":["UMT5EncoderModel"],"d_ff":10240,"d_kv":64,"d_model":4096,
            "feed_forward_proj":"gated-gelu","layer_norm_epsilon":1e-06,"model_type":"umt5",
            "num_heads":64,"num_layers":24,"relative_attention_max_distance":128,
            "relative_attention_num_buckets":32,"vocab_size":256384})"},
       build_text_encoder},
      {"wan_vae",
       PartKind::kWanVae,
       194,
       126'892'531,
       {R"({"_class_name":"AutoencoderKLWan","attn_scales":[],"base_dim":96,
            "dim_mult":[1,2,4,4],"dropout":0.0,"num_res_blocks":2,
            "temperal_downsample":[false,true,true],"z_dim":16,
            "latents_mean":[-0.7571,-0.7089,-0.9113,0.1075,-0.1745,0.9653,-0.1517,1.5508,0.4134,
                            -0.0715,0.5517,-0.3632,-0.1922,-0.9497,0.2503,-0.2921],
            "latents_std":[2.8184,1.4541,2.3275,2.6558,1.2196,1.7708,2.6052,2.0743,3.2687,2.1526,
                           2.8652,1.5579,1.6382,1.1253,2.8251,1.916]})",
        ""},
       build_vae},
  };
}

// A list out of the fixture, with every block written out.
Shapes expanded(const nlohmann::json& list) {
  Shapes shapes;
  for (const auto& [pattern, shape] : list.at("shapes").items()) {
    const std::size_t place = pattern.find('#');
    const int copies = place == std::string::npos ? 1 : list.at("blocks").get<int>();
    for (int block = 0; block < copies; ++block) {
      std::string name = pattern;
      if (place != std::string::npos) name.replace(place, 1, std::to_string(block));
      shapes[name] = shape.get<std::vector<std::int64_t>>();
    }
  }
  return shapes;
}

std::vector<std::string> names_of(const Shapes& shapes) {
  std::vector<std::string> names;
  for (const auto& [name, shape] : shapes) names.push_back(name);
  return names;
}

Shapes renamed(const Shapes& shapes, const ModelPart& part, Layout wanted) {
  Shapes all;
  for (const auto& [name, shape] : shapes) all[part.name_in(wanted, name)] = shape;
  return all;
}

class FullSize : public testing::TestWithParam<Published> {
 protected:
  Shapes listed(Layout layout) const { return expanded(lists_.at(name_of(layout))); }

 private:
  static constexpr const char* kPath = RADIAL_PARITY_DATA "/full_size_shapes.json";
  const nlohmann::json lists_ = parse_json_object(read_text_file(kPath), kPath).at(GetParam().name);
};

TEST_P(FullSize, AsksForTheTensorsOfThePublishedModel) {
  for (const char* config : GetParam().configs) {
    SCOPED_TRACE(config);
    ShapeSource source(at::kBFloat16);
    GetParam().build(config, source);
    EXPECT_EQ(source.shapes(), listed(Layout::kDiffusers));
    EXPECT_EQ(static_cast<std::int64_t>(source.shapes().size()), GetParam().num_tensors);
    EXPECT_EQ(source.num_parameters(), GetParam().num_parameters);
  }
}

TEST_P(FullSize, BothLayoutsAreRecognisedAndMapOntoEachOther) {
  for (const Layout layout : {Layout::kOfficial, Layout::kDiffusers}) {
    const Layout other = layout == Layout::kOfficial ? Layout::kDiffusers : Layout::kOfficial;
    SCOPED_TRACE(name_of(layout));
    const auto part = recognise_part(names_of(listed(layout)));
    ASSERT_TRUE(part.has_value());
    EXPECT_EQ(part->kind, GetParam().kind);
    EXPECT_EQ(part->layout, layout);
    EXPECT_EQ(renamed(listed(layout), *part, other), listed(other));
    EXPECT_EQ(renamed(listed(layout), *part, layout), listed(layout));
  }
}

TEST_P(FullSize, AConfigOfAnotherSizeAsksForOtherTensors) {
  // That the comparison above can fail: one block less, or channels that differ.
  nlohmann::json config = nlohmann::json::parse(GetParam().configs.front());
  if (config.contains("num_layers")) {
    config["num_layers"] = config["num_layers"].get<int>() - 1;
  } else {
    config["base_dim"] = 64;
  }
  ShapeSource source(at::kBFloat16);
  GetParam().build(config.dump(), source);
  EXPECT_NE(source.shapes(), listed(Layout::kDiffusers));
  EXPECT_LT(source.num_parameters(), GetParam().num_parameters);
}

INSTANTIATE_TEST_SUITE_P(Wan21, FullSize, testing::ValuesIn(published()));

}  // namespace
}  // namespace radial::video
