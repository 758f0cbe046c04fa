// `radial inspect` as a person runs it: on files, LoRAs and model folders, whole and in part.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_runner.h"
#include "weight_files.h"

namespace radial::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

CommandResult inspect(const std::string& arguments, const TemporaryFolder& folder, int exit_code) {
  CommandResult result = run_radial(words("inspect " + arguments), folder.path());
  EXPECT_EQ(result.exit_code, exit_code) << arguments << ": " << result.out << result.err;
  return result;
}

json report_of(const std::string& path, const TemporaryFolder& folder, int exit_code) {
  return json::parse(inspect(path + " --json", folder, exit_code).out);
}

TEST(InspectCommand, SaysWhatEachNetworkIs) {
  const TemporaryFolder folder;
  struct Case {
    const char *network, *layout, *kind;
  };
  for (const auto& [network, layout, kind] :
       {Case{"wan_t2v_1.3b", "official", "Wan transformer"},
        Case{"wan_t2v_1.3b", "diffusers", "Wan transformer"},
        Case{"umt5_xxl", "official", "UMT5 encoder"}, Case{"umt5_xxl", "diffusers", "UMT5 encoder"},
        Case{"wan_vae", "official", "Wan VAE"}, Case{"wan_vae", "diffusers", "Wan VAE"}}) {
    const StoredTensors weights = small_weights(network, layout);
    std::size_t bytes = 0;
    std::int64_t wide = 0, narrow = 0;
    for (const auto& [name, tensor] : weights) {
      bytes += tensor.bytes.size();
      (tensor.dtype == "F32" ? wide : narrow) += tensor.shape[0] * tensor.shape[1];
    }
    write_file(folder.path() / "w.safetensors", safetensors_of(weights));
    const json report = report_of("w.safetensors", folder, 0);
    const json expected{{"path", "w.safetensors"},
                        {"kind", kind},
                        {"format", "safetensors"},
                        {"layout", layout},
                        {"files", 1},
                        {"tensors", weights.size()},
                        {"parameters", wide + narrow},
                        {"bytes", bytes},
                        {"types", {{"F32", wide}, {"BF16", narrow}}}};
    EXPECT_EQ(report, expected);
  }
  const std::string text = inspect("w.safetensors", folder, 0).out;
  EXPECT_TRUE(text.starts_with("Wan VAE, diffusers layout, 194 tensors in 1 file, ")) << text;
}

TEST(InspectCommand, ShowsALorasRanksTargetsAndMetadata) {
  const TemporaryFolder folder;
  const auto zeros = [](std::int64_t rows, std::int64_t columns) {
    return StoredTensor{"BF16", {rows, columns}, std::string(rows * columns * 2, '\0')};
  };
  write_file(folder.path() / "l.safetensors",
             safetensors_of({{"diffusion_model.blocks.0.self_attn.q.lora_A.weight", zeros(4, 6)},
                             {"diffusion_model.blocks.0.self_attn.q.lora_B.weight", zeros(6, 4)},
                             {"diffusion_model.blocks.1.self_attn.q.lora_down.weight", zeros(8, 6)},
                             {"diffusion_model.blocks.1.self_attn.q.lora_up.weight", zeros(6, 8)},
                             {"diffusion_model.blocks.1.ffn.0.lora_down.weight", zeros(2, 6)},
                             {"diffusion_model.blocks.1.ffn.0.lora_up.weight", zeros(9, 2)}}));
  const json report = report_of("l.safetensors", folder, 0);
  EXPECT_EQ(report.at("kind"), "LoRA");
  EXPECT_EQ(report.at("lora"), (json{{"least_rank", 2},
                                     {"greatest_rank", 8},
                                     {"targets", {{"self_attn.q", 2}, {"blocks.ffn", 1}}}}));
  const std::string text = inspect("l.safetensors", folder, 0).out;
  EXPECT_NE(text.find(" 174 parameters, 348 B, "), std::string::npos) << text;
  EXPECT_NE(text.find("rank      2 to 8\n"), std::string::npos) << text;
  EXPECT_NE(text.find("target    self_attn.q (2 modules)\n"), std::string::npos) << text;
  write_file(folder.path() / "m.safetensors",
             safetensors_of(R"({"__metadata__":{"ss_network_dim":"16"},)"
                            R"("a\u001b[31m.lora_A.weight":)"
                            R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                            "1"));
  EXPECT_EQ(report_of("m.safetensors", folder, 0).at("metadata"), (json{{"ss_network_dim", "16"}}));
  EXPECT_EQ(inspect("m.safetensors", folder, 0).out.find('\x1b'), std::string::npos);
}

TEST(InspectCommand, NamesPicklesAndUnknownNetworks) {
  const TemporaryFolder folder;
  const std::string data = RADIAL_SOURCE_DIR "/tests/unit/video_checkpoint/data/";
  const json pickle = report_of(data + "module.pt", folder, 0);
  EXPECT_EQ(pickle.at("format"), "pickle");
  EXPECT_EQ(pickle.at("kind"), "unknown network");
  EXPECT_EQ(pickle.at("parameters"), 3);
  EXPECT_FALSE(pickle.contains("layout"));
  const json harm = report_of(data + "harm.pt", folder, 1);
  EXPECT_NE(harm.at("problem").get<std::string>().find("it calls posix system"), std::string::npos);
}

// A model's folder with every part; each is removed in turn.
void expect_each_missing_part_is_named(const TemporaryFolder& folder,
                                       const std::vector<std::pair<std::string, fs::path>>& parts) {
  const json whole = report_of("model", folder, 0);
  EXPECT_EQ(whole.at("complete"), true);
  EXPECT_EQ(whole.at("parts").size(), parts.size());
  for (const auto& [name, place] : parts) {
    SCOPED_TRACE(name);
    EXPECT_EQ(whole.at("parts").at(name).at("present"), true);
    fs::rename(folder.path() / "model" / place, folder.path() / "away");
    const json report = report_of("model", folder, 1);
    EXPECT_EQ(report.at("complete"), false);
    EXPECT_EQ(report.at("parts").at(name).at("present"), false);
    fs::rename(folder.path() / "away", folder.path() / "model" / place);
  }
}

TEST(InspectCommand, NamesThePartThatADiffusersFolderLacks) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model";
  write_file(model / "model_index.json", "{}");
  write_file(model / "transformer/diffusion_pytorch_model.safetensors",
             safetensors_of(small_weights("wan_t2v_1.3b", "diffusers", 1)));
  write_file(model / "text_encoder/model.safetensors",
             safetensors_of(small_weights("umt5_xxl", "diffusers")));
  write_file(model / "vae/diffusion_pytorch_model.safetensors",
             safetensors_of(small_weights("wan_vae", "diffusers")));
  write_file(model / "tokenizer/spiece.model", "");
  write_file(model / "scheduler/scheduler_config.json", "{}");
  expect_each_missing_part_is_named(folder, {{"transformer", "transformer"},
                                             {"text_encoder", "text_encoder"},
                                             {"vae", "vae"},
                                             {"tokenizer", "tokenizer"},
                                             {"scheduler", "scheduler"}});
  const json parts = report_of("model", folder, 0).at("parts");
  EXPECT_EQ(parts.at("transformer").at("kind"), "Wan transformer");
  EXPECT_EQ(parts.at("vae").at("tensors"), 194);
  fs::remove_all(model / "vae");
  const std::string text = inspect("model", folder, 1).out;
  EXPECT_NE(text.find("model folder, diffusers layout\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nvae           missing\n"), std::string::npos) << text;
}

TEST(InspectCommand, NamesThePartThatAnOfficialFolderLacks) {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model";
  write_file(model / "diffusion_pytorch_model.safetensors",
             safetensors_of(small_weights("wan_t2v_1.3b", "official", 1)));
  write_file(model / "models_t5_umt5-xxl-enc-bf16.safetensors",
             safetensors_of(small_weights("umt5_xxl", "official")));
  write_file(model / "Wan2.1_VAE.safetensors",
             safetensors_of(small_weights("wan_vae", "official")));
  write_file(model / "google/umt5-xxl/spiece.model", "");
  const json whole = report_of("model", folder, 0);
  EXPECT_EQ(whole.at("layout"), "official");
  EXPECT_EQ(whole.at("complete"), true);
  for (const auto& [name, place] : {std::pair<const char*, const char*>{
                                        "text_encoder", "models_t5_umt5-xxl-enc-bf16.safetensors"},
                                    {"vae", "Wan2.1_VAE.safetensors"},
                                    {"tokenizer", "google/umt5-xxl/spiece.model"}}) {
    fs::rename(model / place, folder.path() / "away");
    EXPECT_EQ(report_of("model", folder, 1).at("parts").at(name).at("present"), false) << name;
    fs::rename(folder.path() / "away", model / place);
  }
  // Without its file the transformer's place is still there: the folder itself.
  fs::remove(model / "diffusion_pytorch_model.safetensors");
  EXPECT_TRUE(report_of("model", folder, 1).at("parts").at("transformer").contains("problem"));
}

TEST(InspectCommand, NamesTheShardThatIsMissing) {
  const TemporaryFolder folder;
  write_file(folder.path() / "m-1.safetensors", safetensors_of({{"x", {"U8", {1}, "1"}}}));
  write_file(folder.path() / "m.safetensors.index.json",
             R"({"weight_map":{"x":"m-1.safetensors","y":"m-2.safetensors"}})");
  const json report = report_of("m.safetensors.index.json", folder, 1);
  EXPECT_NE(report.at("problem").get<std::string>().find("shard m-2.safetensors is missing"),
            std::string::npos);
}

TEST(InspectCommand, RefusesBadArguments) {
  const TemporaryFolder folder;
  for (const auto& [arguments, exit_code, part] :
       {std::tuple{"", 2, "PATH: expected a file or folder"},
        {"a b", 2, "b"},
        {"a --yaml", 2, "--yaml"},
        {"none", 1, "none: no such file or folder"}}) {
    const CommandResult result = inspect(arguments, folder, exit_code);
    EXPECT_TRUE(result.err.starts_with("radial: ")) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace radial::test
