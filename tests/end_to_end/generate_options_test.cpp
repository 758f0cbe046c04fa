// Options of `radial generate` that take a part of the model from elsewhere or change its defaults.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "radial/base/error.h"
#include "small_model.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"

namespace radial::test {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

class GenerateOptions : public SmallModelTest {
 protected:
  Json report_of(const std::string& arguments) const {
    const CommandResult result = run("--json " + arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? Json::parse(result.out) : Json::object();
  }
  std::string dense_steps(const std::string& arguments) const {
    return report_of("--dry-run --attention radial --block-size 64 " +
                     arguments)["plan"]["dense_steps"];
  }
  void expect_refused(const std::string& arguments, const std::string& line) const {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments;
    EXPECT_TRUE(result.err.starts_with("radial: " + line)) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }
};

// The same parts under other names give the same video; the folder's own are not looked at.
TEST_F(GenerateOptions, PartsMayLieElsewhere) {
  ASSERT_EQ(run("--save-frames a.safetensors").exit_code, 0);
  const fs::path folder = folder_.path();
  fs::copy(folder / "model/vae", folder / "other_vae");
  fs::copy(folder / "model/text_encoder", folder / "other_text");
  std::ofstream(weights("vae"), std::ios::trunc) << "damaged";
  std::ofstream(folder / "model/text_encoder/model.safetensors", std::ios::trunc) << "damaged";
  EXPECT_EQ(run("--save-frames b.safetensors").exit_code, 2);
  for (const char* parts : {"--vae other_vae --t5xxl other_text",
                            "--vae-path other_vae/diffusion_pytorch_model.safetensors --t5 "
                            "other_text/model.safetensors"}) {
    const CommandResult result = run(std::string("--save-frames b.safetensors ") + parts);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(content("a.safetensors"), content("b.safetensors"));
  }
  expect_refused("--vae none", "--vae: expected a file or folder that exists, got 'none'");
  expect_refused("--text_encoder none", "--t5xxl: expected a file or folder that exists");
  expect_refused("--t5xxl other_text --vae other_text/model.safetensors",
                 "other_text/model.safetensors: expected a Wan VAE");
}

TEST_F(GenerateOptions, AnOptionThatChangesNothingSaysSo) {
  const CommandResult result = run("--dry-run --t5-cpu");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "radial: note: --t5-cpu changes nothing: all parts run on the CPU\n");
}

TEST_F(GenerateOptions, ATaskIsCheckedAgainstTheModel) {
  expect_refused("--task t2v-1.3B",
                 "--task: expected a model of 30 layers of width 1536 for t2v-1.3B, got one of 2 "
                 "of width 16");
  expect_refused("--task T2V-14b", "--task: expected a model of 40 layers of width 5120");
  expect_refused("--task i2v-14B", "--task: expected t2v-1.3B or t2v-14B, got 'i2v-14B'");
}

// A transformer of the published depth and width, but for its weights: a header, and bytes that
// were never written.
void write_published_transformer(const fs::path& folder, int heads, int layers) {
  const std::string config = concat(
      R"({"_class_name": "WanTransformer3DModel", "attention_head_dim": 128, "in_channels": 4,
          "out_channels": 4, "text_dim": 24, "text_len": 160, "freq_dim": 24, "ffn_dim": 32,
          "num_attention_heads": )",
      heads, R"(, "num_layers": )", layers, "}");
  std::ofstream(folder / "config.json") << config;
  video::ShapeSource shapes(at::kBFloat16);
  const video::WanTransformer asks(video::parse_wan_config(config, "test"), shapes);
  Json header;
  std::int64_t end = 0;
  for (const auto& [name, shape] : shapes.shapes()) {
    std::int64_t bytes = 2;
    for (const std::int64_t extent : shape) bytes *= extent;
    header[name] = {{"dtype", "BF16"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
  }
  const std::string text = header.dump();
  const auto length = static_cast<std::uint64_t>(text.size());
  const fs::path file = folder / "diffusion_pytorch_model.safetensors";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
  fs::resize_file(file, sizeof length + text.size() + static_cast<std::uint64_t>(end));
}

TEST_F(GenerateOptions, ATaskGivesSizeAndShiftUnlessTheyAreGiven) {
  const auto settings = [&](const std::string& arguments) {
    const CommandResult result = run_radial(
        words("generate --model model --prompt fox --output x.png --num-frames 1 --dtype bfloat16 "
              "--cfg-scale 1 --dry-run --json " +
              arguments),
        folder_.path());
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Json got = result.exit_code == 0 ? Json::parse(result.out)["settings"] : Json::object();
    return Json{got.value("width", 0), got.value("height", 0), got.value("flow-shift", 0.0)};
  };
  write_published_transformer(folder_.path() / "model/transformer", 12, 30);
  EXPECT_EQ(settings("--task t2v-1.3B"), Json({832, 480, 3.0}));
  EXPECT_EQ(settings("--task t2v-1.3B --height 64 --flow-shift 7"), Json({832, 64, 7.0}));
  EXPECT_EQ(settings("--size 64x32"), Json({64, 32, 3.0})) << "the scheduler's own shift";
  std::ofstream(folder_.path() / "model/scheduler/scheduler_config.json") << R"({"flow_shift": 9})";
  EXPECT_EQ(settings("--task t2v-1.3B --size 64x32"), Json({64, 32, 3.0}));
  EXPECT_EQ(settings("--size 64x32"), Json({64, 32, 9.0}));
}

TEST_F(GenerateOptions, ARuleThatIsUnknownOrDoesNotFitIsRefused) {
  expect_refused("--attention spiral", "--rule: expected one of ");
  expect_refused("--pattern radail", "--rule: expected one of ");
  EXPECT_TRUE(written().empty());
}

TEST_F(GenerateOptions, AModelMayBringItsDefaults) {
  std::ofstream(folder_.path() / "model/generation_config.json")
      << R"({"size": "32x48", "num_frames": 13, "steps": 3, "attention": "radial",
             "block-size": 64, "dense-layers": 1})";
  const auto planned = [&](const std::string& more) {
    const CommandResult result = run_radial(
        words("generate --model model --prompt fox --output x.png --dry-run --json " + more),
        folder_.path());
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out);
  };
  const Json brought = planned("");
  EXPECT_EQ(brought["settings"]["width"], 32);
  EXPECT_EQ(brought["settings"]["height"], 48);
  EXPECT_EQ(brought["settings"]["num-frames"], 13);
  EXPECT_EQ(brought["settings"]["steps"], 3);
  EXPECT_TRUE(brought["plan"]["mask"].get<std::string>().starts_with("radial"));
  EXPECT_EQ(brought["plan"]["dense_layers"], "0");
  // What is asked for wins, a config file's entries too; a rule leaves out all that belongs to it.
  std::ofstream(folder_.path() / "c.json") << R"({"steps": 5})";
  const Json asked = planned("--width 16 --height 32 --config c.json --dense-layers 0");
  EXPECT_EQ(asked["settings"]["width"], 16);
  EXPECT_EQ(asked["settings"]["steps"], 5);
  EXPECT_EQ(asked["plan"]["dense_layers"], "none");
  EXPECT_TRUE(asked["plan"]["mask"].get<std::string>().starts_with("radial"));
  EXPECT_EQ(planned("--attention dense")["plan"]["mask"], "dense");
  EXPECT_EQ(planned("--attention disc --block-size 64")["plan"]["dense_layers"], "none");

  std::ofstream(folder_.path() / "model/generation_config.json") << R"({"stepz": 3})";
  expect_refused("",
                 "--model: model/generation_config.json: stepz: expected the name of an option "
                 "of 'radial generate'; did you mean 'steps'?");
}

TEST_F(GenerateOptions, StepsStayDenseInAPartOfTheRun) {
  EXPECT_EQ(dense_steps("--steps 8 --dense-end-percent 0.25"), "0-1");
  EXPECT_EQ(dense_steps("--steps 8 --dense-start-percent 0.5"), "4-7");
  EXPECT_EQ(dense_steps("--steps 10 --dense-start-percent 0.3 --dense-end-percent 0.7"), "3-6");
  EXPECT_EQ(dense_steps("--steps 8 --dense-end-percent 0.25 --last-dense-timesteps 1"), "0-1, 7");
  EXPECT_EQ(dense_steps("--steps 8 --preset paper --dense-start-percent 0 --dense-end-percent 0.1"),
            "0");
  expect_refused("--dense-end-percent 25",
                 "--dense-end-percent: expected a part of the run from 0 to 1, such as 0.25, got "
                 "'25'");
  expect_refused("--attention radial --dense-start-percent 0.5 --dense-end-percent 0.5",
                 "--dense-end-percent: expected more than --dense-start-percent");
  expect_refused("--dense-timesteps 2 --dense-end-percent 0.5", "--dense-");
}

TEST_F(GenerateOptions, MaskStatsAreTheBlocksKept) {
  const std::string sparse = "--dry-run --attention radial --block-size 64 --print-mask-stats";
  const CommandResult result = run(sparse);
  EXPECT_NE(result.out.find("blocks     38 of 49 kept"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("rows       longest "), std::string::npos) << result.out;
  const Json stats = report_of(sparse)["plan"]["mask_stats"];
  EXPECT_EQ(stats["kept_blocks"], 38);
  EXPECT_EQ(stats["all_blocks"], 49);
  EXPECT_LE(stats["shortest_row"], stats["median_row"]);
  const CommandResult dense = run("--dry-run --print-mask-stats");
  EXPECT_NE(dense.out.find("blocks     attention is dense"), std::string::npos) << dense.out;
}

TEST_F(GenerateOptions, StrengthsBelongToTheLorasInOrder) {
  const std::string module = "diffusion_model.blocks.0.self_attn.q.";
  for (const int layer : {0, 1}) {
    const at::Generator generator = at::detail::createCPUGenerator(5 + layer);
    video::save_tensors(folder_.path() / concat("l", layer, ".safetensors"),
                        {{module + "lora_A.weight", at::randn({4, 16}, generator, at::kFloat)},
                         {module + "lora_B.weight", at::randn({16, 4}, generator, at::kFloat)}});
  }
  const auto latents = [&](const std::string& loras) {
    EXPECT_EQ(run("--save-latents x.safetensors " + loras).exit_code, 0) << loras;
    return content("x.safetensors");
  };
  const std::string wanted = latents("--lora l0.safetensors:0.5 --lora l1.safetensors:-2");
  EXPECT_EQ(latents("--lora l0.safetensors --lora-strength 0.5 --lora l1.safetensors "
                    "--lora_multiplier -2"),
            wanted);
  EXPECT_NE(latents("--lora l0.safetensors --lora l1.safetensors"), wanted);
  expect_refused("--lora-strength 0.5", "--lora-strength: expected one for each --lora, 0 in all");
  expect_refused("--lora-multiplier x", "--lora-strength: expected");
}

}  // namespace
}  // namespace radial::test
