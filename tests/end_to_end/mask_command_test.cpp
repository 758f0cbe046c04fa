// What `radial mask` prints.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "command_runner.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;

Json json_of(const std::string& arguments) {
  const CommandResult result = run_radial(words("mask --json " + arguments));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.exit_code == 0 ? Json::parse(result.out) : Json();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(MaskCommand, PrintsWhatAPersonAsksOfAMask) {
  const CommandResult result =
      run_radial(words("mask --grid 21,45,80 --rule released-v2 --decay-factor 1"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  // Kept blocks and widths per distance of the reference for Wan 720p, 81 frames.
  for (const char* part :
       {"released-v2, version ", "decay factor 1, ", "21 x 45 x 80 tokens",
        "75,600, 3,600 per frame", "591 x 591, kept 139,209 of 349,281", "0.3986", "2.51x",
        "floor ", "longest 591, median ", "0-1          whole frame", "2-3          1024 tokens",
        "4-7          512 tokens", "8-15         256 tokens", "16-20        128 tokens"}) {
    EXPECT_TRUE(contains(result.out, part)) << part << " is not in\n" << result.out;
  }
  EXPECT_EQ(result.err, "");
}

TEST(MaskCommand, JsonHoldsTheSameFacts) {
  const Json json = json_of("--grid 21,45,80 --rule released-v2 --decay-factor 1");
  EXPECT_EQ(json["rule"]["name"], "released-v2");
  EXPECT_EQ(json["rule"]["parameters"]["decay_factor"], 1.0);
  EXPECT_EQ(json["rule"]["parameters"]["sink"], true);
  EXPECT_EQ(json["blocks"]["rows"], 591);
  EXPECT_EQ(json["blocks"]["kept"], 139209);
  EXPECT_EQ(json["density"], 139209.0 / 349281.0);
  EXPECT_EQ(json["attention_saving"], 349281.0 / 139209.0);
  EXPECT_EQ(json["distances"][1]["reach"], 1024.0);
}

TEST(MaskCommand, NamesOfOneOptionMeanTheSame) {
  const Json expected = json_of("--grid 6,9,10 --rule harmonic --block-size 64 --sink-frames 2");
  for (const char* arguments :
       {"--grid 6,9,10 --attention harmonic --block_size 64 --sink_frames 2",
        "--grid=6,9,10 --pattern=harmonic --block-size=64 --sink_frames=2",
        "--grid 6,9,10 --attn_mode harmonic --block_size=64 --sink-frames 2",
        "--grid 1,1,1 --grid 6,9,10 --rule disc --rule harmonic --block-size 64 --sink-frames 2"}) {
    EXPECT_EQ(json_of(arguments), expected) << arguments;
  }
}

struct ModelCase {
  const char* arguments;
  int frames, grid_h, grid_w, text_tokens;
  double decay_factor;
};

TEST(MaskCommand, ModelsBringTheirStridesAndDefaults) {
  const ModelCase cases[] = {
      {"--model wan2.1", 21, 30, 52, 0, 0.2},
      {"--model wan2.1 --width 1280 --height 720 --num-frames 81", 21, 45, 80, 0, 0.2},
      {"--model Wan2.1 --size 1280x768 --frame_num 69", 18, 48, 80, 0, 0.2},
      {"--model wan2.2 --size 1280*768 --num-frames 77", 20, 48, 80, 0, 0.8},
      {"--model wan2.2-5b", 31, 22, 40, 0, 0.8},
      {"--model hunyuanvideo", 33, 45, 80, 256, 0.95},
      {"--model hunyuanvideo -W 1280 -H 720 --video-length 253", 64, 45, 80, 256, 0.95},
      {"--model hunyuanvideo --video_size 768 1280 --num-frames 117", 30, 48, 80, 256, 0.95},
      {"--model hunyuanvideo --text-tokens 0", 33, 45, 80, 0, 0.95},
      {"--model mochi", 28, 30, 53, 256, 1.0},
      {"--model mochi --num-frames 667", 112, 30, 53, 256, 1.0},
      {"--model wan2.1 --decay-factor 0.5", 21, 30, 52, 0, 0.5},
      {"--grid 21,30,52", 21, 30, 52, 0, 1.0},
  };
  for (const ModelCase& expected : cases) {
    const Json json = json_of(expected.arguments);
    EXPECT_EQ(json["layout"]["frames"], expected.frames) << expected.arguments;
    EXPECT_EQ(json["layout"]["grid_h"], expected.grid_h) << expected.arguments;
    EXPECT_EQ(json["layout"]["grid_w"], expected.grid_w) << expected.arguments;
    EXPECT_EQ(json["layout"]["text_tokens"], expected.text_tokens) << expected.arguments;
    EXPECT_EQ(json["rule"]["parameters"]["decay_factor"], expected.decay_factor)
        << expected.arguments;
  }
}

TEST(MaskCommand, ReferenceAndTextTokensJoinTheSequence) {
  const Json json = json_of("--grid 4,6,8 --reference-tokens 10 --text-tokens 20");
  EXPECT_EQ(json["layout"]["total_tokens"], 4 * 6 * 8 + 30);
}

TEST(MaskCommand, TokenOrderTilesAreAsLargeAsABlock) {
  EXPECT_EQ(json_of("--grid 4,16,32 --token-order tiled")["layout"]["tile"], Json({8, 16}));
  EXPECT_EQ(json_of("--grid 4,16,32 --token-order tiled --block-size 64")["layout"]["tile"],
            Json({8, 8}));
  EXPECT_EQ(json_of("--grid 4,16,32 --token-order tiled:4x32")["layout"]["tile"], Json({4, 32}));
  EXPECT_EQ(json_of("--grid 4,16,32 --token-order raster")["layout"]["order"], "raster");
}

TEST(MaskCommand, DensityIsMetAsNearAsBlocksAllow) {
  for (const char* rule : {"radial", "released-v2", "harmonic", "window"}) {
    const Json json = json_of(std::string("--grid 21,30,52 --density 0.45 --rule ") + rule);
    // One more block at both ends of the band in each of the 21 frames: the largest single step.
    const double step = 2.0 * 21 / json["blocks"]["columns"].get<double>();
    EXPECT_NEAR(json["density"].get<double>(), 0.45, step) << rule;
    EXPECT_GE(json["density"], json["density_floor"]) << rule;
  }
}

TEST(MaskCommand, SwitchesReachTheRule) {
  const std::string layout = "--grid 12,30,52 --rule radial ";
  const Json base = json_of(layout);
  EXPECT_EQ(json_of(layout + "--sink"), base);
  EXPECT_LT(json_of(layout + "--no-sink")["density"], base["density"]);
  EXPECT_GT(json_of(layout + "--sink-frames 3")["density"], base["density"]);
  EXPECT_LT(json_of(layout + "--distance-one half")["density"], base["density"]);
  EXPECT_EQ(json_of(layout + "--no-thinning")["rule"]["parameters"]["thinning"], false);
  EXPECT_EQ(json_of(layout + "--thinning-threshold 9")["rule"]["parameters"]["thinning_threshold"],
            9);
}

TEST(MaskCommand, ComparisonMasksTakeTheirParameters) {
  const auto parameters = [](const std::string& arguments) {
    return json_of("--grid 6,16,32 " + arguments)["rule"]["parameters"];
  };
  EXPECT_EQ(parameters("--rule spatial --span 2")["span"], 2);
  EXPECT_EQ(parameters("--rule temporal --window-width 70")["width"], 70);
  EXPECT_EQ(parameters("--rule window --window_width 300")["width"], 300);
  const Json tiles = parameters("--rule sliding-tile --token-order tiled --window 3,2,1");
  EXPECT_EQ(tiles["window_frames"], 3);
  EXPECT_EQ(tiles["window_tiles_h"], 2);
  EXPECT_EQ(tiles["window_tiles_w"], 1);
}

TEST(MaskCommand, WarnsOfRowsThatSeeNothing) {
  // The reference's mask of 544 x 960 pixels, 125 frames leaves eight block rows empty.
  const std::string arguments = "--grid 32,34,60 --rule released-hunyuan";
  EXPECT_EQ(json_of(arguments)["rows"]["empty"], 8);
  EXPECT_EQ(json_of(arguments)["warnings"].size(), 1u);
  const CommandResult result = run_radial(words("mask " + arguments));
  EXPECT_TRUE(contains(result.out, "\nwarning   ")) << result.out;
  EXPECT_TRUE(json_of("--grid 32,34,60 --rule radial")["warnings"].empty());
}

TEST(MaskCommand, ListsItsRules) {
  const CommandResult result = run_radial({"mask", "--rules"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out.starts_with("radial, version ")) << result.out;
  for (const char* rule :
       {"paper", "released-v1", "released-v2", "released-hunyuan", "harmonic", "disc",
        "disc-square", "dense", "spatial", "temporal", "window", "sliding-tile", "power"}) {
    EXPECT_TRUE(contains(result.out, std::string("\n") + rule + ", version ")) << rule;
    EXPECT_EQ(json_of(std::string("--grid 4,8,8 --rule ") + rule)["rule"]["name"], rule);
  }
}

}  // namespace
}  // namespace radial::test
