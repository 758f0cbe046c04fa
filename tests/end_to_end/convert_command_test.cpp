// `radial convert` as a person runs it: what it writes, byte by byte, and what it refuses.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_runner.h"
#include "weight_files.h"

namespace radial::test {
namespace {

const std::string kPickles = RADIAL_SOURCE_DIR "/tests/unit/video_checkpoint/data/";

void convert(const std::string& arguments, const TemporaryFolder& folder) {
  const CommandResult result = run_radial(words("convert " + arguments), folder.path());
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::ranges::count(result.out, '\n'), 1) << result.out;
}

// Runs what must be refused, in a folder whose files must stay as they are.
void expect_refusal(const std::string& arguments, int exit_code, const std::string& part,
                    const TemporaryFolder& folder) {
  const std::vector<std::string> before = folder.names();
  const CommandResult result = run_radial(words("convert " + arguments), folder.path());
  EXPECT_EQ(result.exit_code, exit_code) << arguments;
  EXPECT_TRUE(result.err.starts_with("radial: ")) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(folder.names(), before);
}

std::vector<std::string> names_of(const StoredTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

std::vector<float> floats_of(const StoredTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

class ConvertNetwork : public testing::TestWithParam<const char*> {};

TEST_P(ConvertNetwork, ThereAndBackIsTheSameFile) {
  for (const auto& [from, to] : {std::pair{"official", "diffusers"}, {"diffusers", "official"}}) {
    SCOPED_TRACE(from);
    const TemporaryFolder folder;
    const StoredTensors weights = small_weights(GetParam(), from);
    write_file(folder.path() / "a.safetensors", safetensors_of(weights));
    convert("a.safetensors same.safetensors", folder);
    EXPECT_EQ(tensors_in(folder.path() / "same.safetensors"), weights);
    convert(std::string("same.safetensors there.safetensors --layout ") + to, folder);
    const StoredTensors there = tensors_in(folder.path() / "there.safetensors");
    EXPECT_EQ(names_of(there), names_of(small_weights(GetParam(), to)));
    convert(std::string("there.safetensors back.safetensors --layout ") + from, folder);
    EXPECT_EQ(read_file(folder.path() / "back.safetensors"),
              read_file(folder.path() / "same.safetensors"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConvertNetwork,
                         testing::Values("wan_t2v_1.3b", "umt5_xxl", "wan_vae"));

TEST(ConvertCommand, EachTensorKeepsItsValuesUnderItsOtherName) {
  const TemporaryFolder folder;
  const StoredTensors weights = small_weights("wan_t2v_1.3b", "official");
  write_file(folder.path() / "a.safetensors", safetensors_of(weights));
  convert("a.safetensors b.safetensors --layout diffusers", folder);
  const StoredTensors renamed = tensors_in(folder.path() / "b.safetensors");
  // Of each group of names one; diffusers' scripts/convert_wan_to_diffusers.py has them all.
  const std::vector<std::pair<const char*, const char*>> pairs{
      {"blocks.2.norm3.weight", "blocks.2.norm2.weight"},
      {"blocks.1.modulation", "blocks.1.scale_shift_table"},
      {"blocks.0.self_attn.o.bias", "blocks.0.attn1.to_out.0.bias"},
      {"blocks.0.cross_attn.norm_k.weight", "blocks.0.attn2.norm_k.weight"},
      {"blocks.1.ffn.2.weight", "blocks.1.ffn.net.2.weight"},
      {"time_embedding.2.weight", "condition_embedder.time_embedder.linear_2.weight"},
      {"text_embedding.0.bias", "condition_embedder.text_embedder.linear_1.bias"},
      {"time_projection.1.weight", "condition_embedder.time_proj.weight"},
      {"head.modulation", "scale_shift_table"},
      {"head.head.weight", "proj_out.weight"},
      {"patch_embedding.weight", "patch_embedding.weight"}};
  for (const auto& [official, diffusers] : pairs) {
    EXPECT_EQ(renamed.at(diffusers), weights.at(official)) << official;
  }
}

TEST(ConvertCommand, APrefixBeforeEveryNameGoesWithTheRenaming) {
  const TemporaryFolder folder;
  const StoredTensors weights = small_weights("wan_t2v_1.3b", "official");
  StoredTensors prefixed;
  for (const auto& [name, tensor] : weights) prefixed["model.diffusion_model." + name] = tensor;
  write_file(folder.path() / "a.safetensors", safetensors_of(prefixed));
  convert("a.safetensors b.safetensors --layout official", folder);
  EXPECT_EQ(tensors_in(folder.path() / "b.safetensors"), weights);
}

TEST(ConvertCommand, ATokenTableStoredTwiceComesOutOnce) {
  const TemporaryFolder folder;
  StoredTensors weights = small_weights("umt5_xxl", "diffusers");
  weights["encoder.embed_tokens.weight"] = weights.at("shared.weight");
  write_file(folder.path() / "a.safetensors", safetensors_of(weights));
  convert("a.safetensors b.safetensors --layout official", folder);
  const StoredTensors renamed = tensors_in(folder.path() / "b.safetensors");
  EXPECT_EQ(names_of(renamed), names_of(small_weights("umt5_xxl", "official")));
  EXPECT_EQ(renamed.at("token_embedding.weight"), weights.at("shared.weight"));
}

TEST(ConvertCommand, ShardsBecomeTheFileTheyWereCutFrom) {
  const TemporaryFolder folder;
  const StoredTensors weights = small_weights("umt5_xxl", "diffusers");
  write_file(folder.path() / "whole.safetensors", safetensors_of(weights));
  StoredTensors shards[2];
  nlohmann::json index{{"metadata", {{"total_size", 1}}}, {"weight_map", nlohmann::json::object()}};
  for (const auto& [name, tensor] : weights) {
    const std::size_t shard = index["weight_map"].size() % 2;
    shards[shard][name] = tensor;
    index["weight_map"][name] = shard == 0 ? "m-1-of-2.safetensors" : "m-2-of-2.safetensors";
  }
  write_file(folder.path() / "cut/m-1-of-2.safetensors", safetensors_of(shards[0]));
  write_file(folder.path() / "cut/m-2-of-2.safetensors", safetensors_of(shards[1]));
  write_file(folder.path() / "cut/m.safetensors.index.json", index.dump());
  convert("whole.safetensors a.safetensors", folder);
  convert("cut b.safetensors", folder);
  convert("cut/m.safetensors.index.json c.safetensors", folder);
  const std::string expected = read_file(folder.path() / "a.safetensors");
  EXPECT_EQ(read_file(folder.path() / "b.safetensors"), expected);
  EXPECT_EQ(read_file(folder.path() / "c.safetensors"), expected);
  std::filesystem::remove(folder.path() / "cut/m-2-of-2.safetensors");
  expect_refusal("cut d.safetensors", 1, "shard m-2-of-2.safetensors is missing", folder);
}

TEST(ConvertCommand, AShardThatLacksItsTensorOrLeavesTheFolderIsRefused) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a.safetensors", safetensors_of({{"x", {"U8", {1}, "1"}}}));
  write_file(folder.path() / "cut/s.safetensors", safetensors_of({{"x", {"U8", {1}, "1"}}}));
  const auto write_index = [&](const std::string& map) {
    write_file(folder.path() / "cut/m.safetensors.index.json", "{\"weight_map\":" + map + "}");
  };
  write_index(R"({"y":"s.safetensors"})");
  expect_refusal("cut o.safetensors", 1, "tensor y is not in s.safetensors", folder);
  write_index(R"({"x":"../a.safetensors"})");
  expect_refusal("cut o.safetensors", 1, "must name a file of the same folder", folder);
  write_index("[]");
  expect_refusal("cut o.safetensors", 1, "weight_map must be an object", folder);
}

TEST(ConvertCommand, APickleFilesTensorsComeOutAsTheyWere) {
  const TemporaryFolder folder;
  convert(kPickles + "state.pt state.safetensors", folder);
  const StoredTensors state = tensors_in(folder.path() / "state.safetensors");
  EXPECT_EQ(state.size(), 9u);
  // tests/parity/generate/pickles.py: 0 to 23 in four rows of six, and parts of it.
  EXPECT_EQ(state.at("part").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(floats_of(state.at("part")), (std::vector<float>{8, 9, 10, 14, 15, 16}));
  EXPECT_EQ(state.at("transposed").shape, (std::vector<std::int64_t>{6, 4}));
  EXPECT_EQ(floats_of(state.at("transposed"))[1], 6);
  EXPECT_EQ(floats_of(state.at("scalar")), std::vector<float>{2.5});
  EXPECT_EQ(state.at("scalar").shape, std::vector<std::int64_t>{});
  EXPECT_EQ(state.at("half").dtype, "BF16");
  EXPECT_EQ(state.at("number"), (StoredTensor{"I64",
                                              {2},
                                              std::string("\1\0\0\0\0\0\0\0", 8) +
                                                  std::string("\xfe") + std::string(7, '\xff')}));
  EXPECT_EQ(state.at("flags"), (StoredTensor{"BOOL", {2}, std::string("\1\0", 2)}));
  EXPECT_EQ(state.at("empty"), (StoredTensor{"F32", {0, 3}, ""}));
  convert(kPickles + "module.pt module.safetensors", folder);
  EXPECT_EQ(floats_of(tensors_in(folder.path() / "module.safetensors").at("bias")),
            std::vector<float>{3});
}

struct Refused {
  const char* arguments;
  int exit_code;
  const char* part;
};

void PrintTo(const Refused& request, std::ostream* out) { *out << request.arguments; }

class ConvertRefuses : public testing::TestWithParam<Refused> {};

TEST_P(ConvertRefuses, InOneLineAndWritesNothing) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a.safetensors", safetensors_of({{"x", {"U8", {1}, "1"}}}));
  StoredTensors odd = small_weights("wan_t2v_1.3b", "official");
  odd["vace_blocks.0.norm3.weight"] = {"U8", {1}, "1"};
  write_file(folder.path() / "odd.safetensors", safetensors_of(odd));
  write_file(folder.path() / "two/a.safetensors", safetensors_of({{"x", {"U8", {1}, "1"}}}));
  write_file(folder.path() / "two/b.safetensors", safetensors_of({{"y", {"U8", {1}, "1"}}}));
  write_file(folder.path() / "pickled/w.pth", "x");
  std::filesystem::create_directories(folder.path() / "empty/taken.safetensors");
  for (const char* name : {"harm.pt", "step.pt", "list.pt", "expanded.pt", "old.pt"}) {
    write_file(folder.path() / name, read_file(kPickles + name));
  }
  std::filesystem::create_hard_link(folder.path() / "a.safetensors",
                                    folder.path() / "link.safetensors");
  expect_refusal(GetParam().arguments, GetParam().exit_code, GetParam().part, folder);
}

constexpr Refused kRefused[] = {
    {"", 2, "INPUT: expected a file or folder with weights"},
    {"a.safetensors", 2, "OUTPUT: expected a .safetensors file to write"},
    {"a.safetensors b.bin", 2, "OUTPUT: expected a name that ends with .safetensors, got 'b.bin'"},
    {"a.safetensors a.safetensors", 2, "OUTPUT: expected another file than INPUT"},
    {"a.safetensors link.safetensors", 2, "OUTPUT: expected another file than INPUT"},
    {"a.safetensors b.safetensors c.safetensors", 2, "c.safetensors"},
    {"a.safetensors b.safetensors --layout comfy", 2, "--layout: expected official or diffusers"},
    {"a.safetensors b.safetensors --layout", 2, "--layout: expected a value"},
    {"a.safetensors b.safetensors --layout official", 2,
     "--layout: expected weights of a known network"},
    {"a.safetensors b.safetensors --dtype bf16", 2, "--dtype"},
    {"none.safetensors b.safetensors", 1, "none.safetensors: no such file or folder"},
    {"none.pt b.safetensors", 1, "none.pt"},
    {"a.safetensors none/b.safetensors", 1, "none/b.safetensors: cannot be written"},
    {"a.safetensors empty/taken.safetensors", 1, "empty/taken.safetensors: cannot be written"},
    {"odd.safetensors b.safetensors --layout diffusers", 1,
     "vace_blocks.0.norm3.weight: has no name in the diffusers layout"},
    {"two b.safetensors", 1, "several files of weights (a.safetensors, b.safetensors)"},
    {"pickled b.safetensors", 1, "radial convert w.pth w.safetensors"},
    {"empty b.safetensors", 1, "no .safetensors file in this folder"},
    {"harm.pt b.safetensors", 1, "refused: it calls posix system"},
    {"step.pt b.safetensors", 1, "step: is no tensor"},
    {"list.pt b.safetensors", 1, "other than a dictionary of tensors"},
    {"expanded.pt b.safetensors", 1, "weight: needs more than"},
    {"old.pt b.safetensors", 1, "torch 1.6"},
};

INSTANTIATE_TEST_SUITE_P(All, ConvertRefuses, testing::ValuesIn(kRefused));

TEST(ConvertCommand, AnOutputThatExistsIsKeptWhenConvertingFails) {
  const TemporaryFolder folder;
  write_file(folder.path() / "old.safetensors", "before");
  expect_refusal(kPickles + "harm.pt old.safetensors", 1, "refused", folder);
  EXPECT_EQ(read_file(folder.path() / "old.safetensors"), "before");
}

}  // namespace
}  // namespace radial::test
