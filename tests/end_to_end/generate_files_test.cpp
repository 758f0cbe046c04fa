// Damaged files of a model are named in one line before anything is done.

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <map>

#include "small_model.h"
#include "video/checkpoint/checkpoint_source.h"

namespace radial::test {
namespace {

class GenerateFiles : public SmallModelTest {
 protected:
  // Exit code 2 and one line on stderr that names all of `parts`, nothing written.
  void expect_refused(const std::vector<std::string>& parts, const std::string& arguments = "") {
    const CommandResult result = run("--quiet " + arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(result.err.starts_with("radial: ")) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    for (const std::string& part : parts) {
      EXPECT_NE(result.err.find(part), std::string::npos) << part << " is not in " << result.err;
    }
    EXPECT_TRUE(written().empty());
  }

  void change_weights(const std::string& part,
                      const std::function<void(std::map<std::string, at::Tensor>&)>& change) {
    auto tensors = video::load_tensors(weights(part));
    change(tensors);
    video::save_tensors(weights(part), tensors);
  }

  static std::string file_of(const std::string& header, const std::string& data) {
    const std::uint64_t size = header.size();
    std::string bytes(sizeof size, '\0');
    std::memcpy(bytes.data(), &size, sizeof size);
    return bytes + header + data;
  }
};

TEST_F(GenerateFiles, ANanIsNamedWhenItsTensorIsLoaded) {
  const std::string name = "blocks.1.ffn.net.2.weight";
  change_weights("transformer", [&](auto& tensors) {
    tensors.at(name).flatten()[3] = std::numeric_limits<float>::quiet_NaN();
  });
  expect_refused({"diffusion_pytorch_model.safetensors", name, "NaN"});
}

TEST_F(GenerateFiles, ATruncatedHeaderIsRefused) {
  for (const char* part : {"vae", "transformer"}) {
    std::filesystem::resize_file(weights(part), 100);
    expect_refused({part, "diffusion_pytorch_model.safetensors"});
  }
}

TEST_F(GenerateFiles, TruncatedDataIsRefused) {
  std::filesystem::resize_file(weights("vae"), std::filesystem::file_size(weights("vae")) - 4);
  expect_refused({"vae", "diffusion_pytorch_model.safetensors"});
}

TEST_F(GenerateFiles, OverlappingOffsetsAreRefused) {
  std::ofstream(weights("transformer"), std::ios::binary)
      << file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                 std::string(12, '\0'));
  expect_refused({"diffusion_pytorch_model.safetensors", "overlap"});
}

TEST_F(GenerateFiles, MissingMisshapenAndUnexpectedTensorsAreListed) {
  change_weights("transformer", [](auto& tensors) {
    tensors.erase("blocks.0.attn1.to_q.bias");
    tensors["blocks.1.attn1.to_k.bias"] = tensors.at("blocks.1.attn1.to_k.bias").narrow(0, 0, 8);
    tensors["blocks.0.extra"] = tensors.at("blocks.0.attn1.to_k.bias").clone();
  });
  expect_refused({"blocks.0.attn1.to_q.bias", "blocks.1.attn1.to_k.bias", "blocks.0.extra"});
}

TEST_F(GenerateFiles, AMissingPartIsNamed) {
  std::filesystem::remove_all(folder_.path() / "model/tokenizer");
  expect_refused({"model/tokenizer", "missing"});
}

TEST_F(GenerateFiles, LatentsOfAnotherSizeAreRefused) {
  video::save_tensors(folder_.path() / "model/noise.safetensors",
                      {{"latents", at::zeros({1, 4, 7, 16, 8}, at::kFloat)}});
  expect_refused(
      {"--latents: expected a tensor latents [1, 4, 7, 16, 16], got", "[1, 4, 7, 16, 8]"},
      "--latents model/noise.safetensors");
  expect_refused({"--latents: expected a file with the tensor latents, got"},
                 "--latents model/vae/diffusion_pytorch_model.safetensors");
}

}  // namespace
}  // namespace radial::test
