// What a part of a run is said to need, against what it took: peak resident memory of a process
// that does nothing else.

#include "video/pipeline/memory_need.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "video/checkpoint/memory_source.h"
#include "video/pipeline/denoise.h"
#include "video/pipeline/system_memory.h"
#include "video/text/umt5_encoder.h"

namespace radial::video {
namespace {

// Gives every tensor in its shape with random values.
class RandomSource : public ShapeSource {
 public:
  explicit RandomSource(at::ScalarType dtype) : ShapeSource(dtype) {}

 protected:
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override {
    const at::Tensor meta = ShapeSource::load(name, shape, dtype);
    return (at::randn(shape, generator_, at::kFloat) * 0.02).to(meta.scalar_type());
  }

 private:
  at::Generator generator_ = at::detail::createCPUGenerator(1);
};

struct Case {
  const char* name;
  // Gives the estimate, then what does the work.
  std::function<std::pair<std::uint64_t, std::function<void()>>()> make;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Case transformer_case(const char* name, at::ScalarType dtype, std::int64_t heads, std::int64_t ffn,
                      VideoLayout layout, bool guided) {
  return {name, [=] {
            WanConfig config;
            config.num_attention_heads = heads;
            config.text_dim = config.text_len = 64;
            config.ffn_dim = ffn;
            config.num_layers = 2;
            const auto estimate = transformer_working_bytes(config, dtype, layout, guided);
            RandomSource source(dtype);
            auto model = std::make_shared<WanTransformer>(config, source);
            return std::pair(
                estimate, std::function<void()>([=] {
                  const auto text = [&] { return at::randn({1, 64, 64}).to(dtype); };
                  const DenoiseInputs inputs{
                      .latents =
                          at::randn({1, 16, layout.frames, 2 * layout.grid_h, 2 * layout.grid_w}),
                      .prompt = text(),
                      .negative_prompt = text()};
                  const ResolvedAttention dense{
                      .layout = layout, .plan = {}, .dense_layers = {}, .dense_steps = {}};
                  denoise(*model, inputs,
                          {.schedule = make_noise_schedule({.num_steps = 2}),
                           .guidance = guided ? 2.0 : 1.0},
                          dense);
                }));
          }};
}

WanVaeConfig vae_config(std::int64_t width) {
  WanVaeConfig config = official_wan_vae_config();
  config.base_dim = config.decoder_base_dim = width;
  return config;
}

Case decoder_case(const char* name, at::ScalarType dtype, std::int64_t width,
                  std::vector<std::int64_t> latents, VaePass pass) {
  return {name, [=] {
            const WanVaeConfig config = vae_config(width);
            const auto estimate = decoder_working_bytes(config, dtype, latents, pass);
            RandomSource source(dtype);
            auto vae = std::make_shared<WanVae>(config, source);
            return std::pair(estimate, std::function<void()>([=] {
                               vae->decode(vae->denormalized(at::randn(latents)), pass);
                             }));
          }};
}

Case encoder_case(const char* name, at::ScalarType dtype, std::int64_t width,
                  std::vector<std::int64_t> pixels, VaePass pass) {
  return {name, [=] {
            const WanVaeConfig config = vae_config(width);
            const auto estimate = encoder_working_bytes(config, dtype, pixels, pass);
            RandomSource source(dtype);
            auto vae = std::make_shared<WanVae>(config, source);
            return std::pair(estimate,
                             std::function<void()>([=] { vae->encode(at::randn(pixels), pass); }));
          }};
}

Case text_case(const char* name, at::ScalarType dtype, std::int64_t num_tokens) {
  return {name, [=] {
            Umt5Config config;
            config.vocab_size = 100;
            config.d_model = 512;
            config.d_ff = 2048;
            config.num_layers = 2;
            config.num_heads = 32;
            const auto estimate = text_encoder_working_bytes(config, dtype, num_tokens);
            RandomSource source(dtype);
            auto encoder = std::make_shared<Umt5Encoder>(config, source);
            return std::pair(estimate, std::function<void()>([=] {
                               encoder->forward(at::randint(0, 100, {1, num_tokens}, at::kLong));
                             }));
          }};
}

class MemoryNeed : public testing::TestWithParam<Case> {};

TEST_P(MemoryNeed, IsWhatAPartTakes) {
  return_freed_memory_at_once();
  const c10::InferenceMode no_gradients;
  const auto [estimate, work] = GetParam().make();
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
  const std::uint64_t before = resident_host_memory();
  work();
  const double taken = static_cast<double>(peak_host_memory() - before);
  const double ratio = static_cast<double>(estimate) / taken;
  RecordProperty("estimate_over_taken", std::to_string(ratio));
  EXPECT_GT(ratio, 0.8) << taken;
  EXPECT_LT(ratio, 1.5) << taken;
}

TEST(MemoryFit, ComparesWhatIsNeededWithWhatIsFree) {
  EXPECT_EQ(fit_of(89, 100), Fit::kFits);
  EXPECT_EQ(fit_of(95, 100), Fit::kNear);
  EXPECT_EQ(fit_of(120, 100), Fit::kNear);
  EXPECT_EQ(fit_of(130, 100), Fit::kCannot);
}

VideoLayout layout(int frames, int rows, int columns) {
  VideoLayout layout;
  layout.frames = frames;
  layout.grid_h = rows;
  layout.grid_w = columns;
  return layout;
}

// scripts/prove_full_size runs it and prints its peak: 3.23 GB, some 0.2 GB of which are torch.
TEST(MemoryNeed, OfWan13BIsWhatAForwardPassTakes) {
  WanConfig config;
  config.num_attention_heads = 12;
  config.ffn_dim = 8960;
  config.num_layers = 30;
  ShapeSource shapes(at::kBFloat16);
  const WanTransformer model(config, shapes);
  double total = 0;
  for (const auto& [name, shape] : shapes.shapes()) {
    double elements = 1;
    for (const std::int64_t extent : shape) elements *= static_cast<double>(extent);
    total += elements * static_cast<double>(at::elementSize(shapes.dtypes().at(name)));
  }
  total += static_cast<double>(
      transformer_working_bytes(config, at::kBFloat16, layout(2, 4, 4), /*guided=*/false));
  EXPECT_NEAR(total, 3.0e9, 0.15e9);
}

INSTANTIATE_TEST_SUITE_P(
    Parts, MemoryNeed,
    testing::Values(
        transformer_case("dit_fp32_guided", at::kFloat, 3, 2048, layout(3, 24, 40), true),
        transformer_case("dit_fp32_small", at::kFloat, 2, 512, layout(5, 16, 24), false),
        transformer_case("dit_bf16_large", at::kBFloat16, 6, 4096, layout(3, 30, 52), false),
        transformer_case("dit_fp32_ffnsmall", at::kFloat, 6, 768, layout(3, 30, 52), false),
        decoder_case("vae_fp32", at::kFloat, 32, {1, 16, 3, 24, 32}, {}),
        decoder_case("vae_fp32_once", at::kFloat, 16, {1, 16, 4, 24, 32}, {.chunk_frames = 0}),
        decoder_case("vae_fp32_tiles", at::kFloat, 32, {1, 16, 2, 48, 64}, {.tiling = VaeTiling{}}),
        // Tiles of which some are too low for oneDNN: torch's own convolutions take twice as much.
        decoder_case("vae_fp32_narrow_tiles", at::kFloat, 16, {1, 16, 2, 24, 40},
                     {.tiling = VaeTiling{}}),
        decoder_case("vae_bf16", at::kBFloat16, 32, {1, 16, 3, 24, 32}, {}),
        encoder_case("vae_enc_fp32", at::kFloat, 32, {1, 3, 9, 192, 256}, {}),
        text_case("text_fp32", at::kFloat, 512), text_case("text_bf16", at::kBFloat16, 512),
        text_case("text_fp32_short", at::kFloat, 120)),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace radial::video
