// Bad requests to the engine's commands: one line that names the argument, exit code 2, nothing
// written and nothing loaded.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "command_runner.h"

namespace radial::test {
namespace {

struct BadRequest {
  const char* arguments;
  const char* begins;  ///< what the line starts with, after "radial: "
};

void PrintTo(const BadRequest& request, std::ostream* out) { *out << request.arguments; }

class BadEngineRequests : public testing::TestWithParam<BadRequest> {};

TEST_P(BadEngineRequests, GetOneLineAndExitCodeTwo) {
  const TemporaryFolder folder;
  const CommandResult result = run_radial(words(GetParam().arguments), folder.path());
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(result.err.starts_with(std::string("radial: ") + GetParam().begins)) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(folder.names().empty());
}

constexpr BadRequest kRequests[] = {
    {"generate --prompt x --output x.avi", "--output: expected FILE.mp4, FILE.png or a folder"},
    {"generate --prompt x --output none/x.mp4",
     "--output: expected a file in a folder that exists"},
    {"generate --output x.mp4", "--prompt: expected a text, or --prompts-file, got nothing"},
    {"generate --prompt x", "--output: expected FILE.mp4, FILE.png or a folder, got nothing"},
    {"generate --prompt x --output x.mp4 --save-latents none/x.safetensors",
     "--save-latents: expected a file in a folder that exists"},
    {"generate --prompts-file none.txt --output x.mp4", "--prompts-file: expected a file"},
    {"generate --preset slow", "--preset: expected paper, long or fast, got 'slow'"},
    {"generate --size 32", "--size: expected WxH"},
    {"generate --keep-every 0", "--keep-every: expected a whole number from 1 to 1000"},
    {"generate --last-dense-timesteps x", "--last-dense-timesteps: expected a whole number"},
    {"generate --config none.json", "--config: expected a file of JSON that exists"},
    {"generate --prompt x --output x.mp4 --model none", "--model: expected the folder of a model"},
    {"generate --prompt x --output x.mp4 --model .", ".: expected a transformer, in the folder"},
    {"generate --model /dev/null --prompt x --output x.mp4", "--model: expected"},
    {"generate --num-frames -3", "--num-frames: expected a whole number from 1"},
    {"generate --height 0", "--height: expected a whole number from 1"},
    {"generate --fps 0", "--fps: expected a whole number from 1"},
    {"generate --seed -1", "--seed: expected a whole number from 0"},
    {"generate --device gpu", "--device: expected cpu, cuda or cuda:N, got 'gpu'"},
    {"generate --dtype int8", "--dtype: expected float32, bfloat16 or float16, got 'int8'"},
    {"generate --block-size 100", "--block-size: expected"},
    {"generate --decay-factor 0", "--decay-factor: expected"},
    {"generate --noise-grid none", "--noise-grid: expected"},
    {"generate --dense-timesteps noise:2-1", "--dense-timesteps: expected"},
    {"generate --preview-interval 0", "--preview-interval: expected a whole number from 1"},
    {"generate --vae none", "--vae: expected a file or folder that exists, got 'none'"},
    {"generate --num-frames 0", "--num-frames: expected a whole number from 1"},
    {"generate --width x", "--width: expected a whole number from 1"},
    {"generate --steps 0", "--steps: expected a whole number from 1 to 1000"},
    {"generate --flow-shift -1", "--flow-shift: expected a number above 0"},
    {"generate --cfg-scale nan", "--cfg-scale: expected a number above 0"},
    {"generate --sampling-method heun", "--sampling-method: expected unipc, dpm++ or euler"},
    {"generate --cuda-graph", "--cuda-graph: expected --device cuda, got 'cpu'"},
    {"generate --cuda-graph --no-cuda-graph",
     "--cuda-graph and --no-cuda-graph: expected one of them, got both"},
    {"generate --dense-layers 3-1", "--dense-layers: expected a count"},
    {"generate --token-order spiral", "--token-order: expected raster, tiled or tiled:HxW"},
    {"stage schedule --model .", "--save: expected a file to write, got nothing"},
    {"stage schedule --save none/x.safetensors", "--save: expected a file in a folder that exists"},
    {"stage tokens --save none/x.safetensors", "--save: expected a file in a folder that exists"},
    {"stage text --save none/x.safetensors", "--save: expected a file in a folder that exists"},
    {"stage decode --save none/x.safetensors", "--save: expected a file in a folder that exists"},
    {"stage forward --save x.safetensors --taps none/x.safetensors",
     "--taps: expected a file in a folder that exists"},
    {"stage forward --model . --save x.safetensors", "--inputs: expected a safetensors file"},
    {"stage forward --component vae", "--component: expected transformer"},
    {"stage forward --lora none.safetensors:0.5", "--lora: expected a LoRA file"},
    {"generate --lora", "--lora: expected a value"},
    {"stage decode --model . --save x.safetensors --chunk-frames -1", "--chunk-frames: expected"},
};

INSTANTIATE_TEST_SUITE_P(All, BadEngineRequests, testing::ValuesIn(kRequests));

}  // namespace
}  // namespace radial::test
