#include "video/vae/wan_vae.h"

#include <gtest/gtest.h>

#include "engine/fixture.h"
#include "radial/base/error.h"

namespace radial::video {
namespace {

WanVaeConfig small_config() {
  WanVaeConfig config;
  config.base_dim = 4;
  config.decoder_base_dim = 4;
  config.z_dim = 3;
  config.dim_mult = {1, 2, 2, 2};
  config.num_res_blocks = 1;
  config.temporal_downsample = {false, true, true};
  config.latents_mean = {0.1, -0.2, 0.3};
  config.latents_std = {1.5, 0.7, 2.0};
  return config;
}

class WanVaeParity : public testing::Test {
 protected:
  WanVae vae() const {
    TableSource source = fixture_.weights();
    WanVae made(small_config(), source);
    source.finish();
    return made;
  }

  Fixture fixture_{"wan_vae.safetensors"};
};

TEST_F(WanVaeParity, DecodesAsDiffusers) {
  EXPECT_PARITY(vae().decode(fixture_["latents"]), fixture_["decoded"]);
}

TEST_F(WanVaeParity, EncodesAsDiffusers) {
  EXPECT_PARITY(vae().encode(fixture_["pixels"]), fixture_["encoded"]);
}

TEST_F(WanVaeParity, ChunksChangeNothing) {
  const WanVae made = vae();
  for (const std::int64_t chunk : {0, 2, 3, 100}) {
    SCOPED_TRACE(chunk);
    EXPECT_PARITY(made.decode(fixture_["latents"], {.chunk_frames = chunk}), fixture_["decoded"]);
    EXPECT_PARITY(made.encode(fixture_["pixels"], {.chunk_frames = chunk}), fixture_["encoded"]);
  }
}

TEST_F(WanVaeParity, LaterFramesDoNotReachBack) {
  const WanVae made = vae();
  const at::Tensor latents = fixture_["latents"];
  const at::Tensor shorter = made.decode(latents.narrow(2, 0, 2));
  EXPECT_PARITY(shorter, fixture_["decoded"].narrow(2, 0, 5));
}

TEST_F(WanVaeParity, TilesAsDiffusers) {
  const VaePass pass{.tiling = VaeTiling{32, 32, 24, 24}};
  const WanVae made = vae();
  EXPECT_PARITY(made.decode(fixture_["wide_latents"], pass), fixture_["wide_decoded_tiled"]);
  EXPECT_PARITY(made.encode(fixture_["wide_pixels"], pass), fixture_["wide_encoded_tiled"]);
  EXPECT_GT(relative_l2(made.decode(fixture_["wide_latents"]), fixture_["wide_decoded_tiled"]),
            1e-3)
      << "tiles change nothing";
}

TEST_F(WanVaeParity, NormalisationIsUndone) {
  const WanVae made = vae();
  const at::Tensor latents = fixture_["latents"];
  EXPECT_PARITY(made.denormalized(made.normalized(latents)), latents);
  const at::Tensor first = made.denormalized(latents * 0 + 1).flatten();
  EXPECT_FLOAT_EQ(first[0].item<float>(), 1.6f);  // 1 * 1.5 + 0.1
}

TEST_F(WanVaeParity, WorksWithoutAnEncoder) {
  std::map<std::string, at::Tensor> decoder;
  ShapeSource shapes(at::kFloat);
  const WanVae whole(small_config(), shapes);
  for (const auto& [name, shape] : shapes.shapes()) {
    if (name.starts_with("decoder.") || name.starts_with("post_quant")) {
      decoder[name] = fixture_["weights." + name];
    }
  }
  TableSource source(std::move(decoder));
  const WanVae made(small_config(), source);
  source.finish();
  EXPECT_FALSE(made.has_encoder());
  EXPECT_PARITY(made.decode(fixture_["latents"]), fixture_["decoded"]);
  EXPECT_THROW(made.encode(fixture_["pixels"]), Unsupported);
}

TEST_F(WanVaeParity, RefusesOtherSizes) {
  const WanVae made = vae();
  const at::Tensor pixels = fixture_["pixels"];
  EXPECT_THROW(made.encode(pixels.narrow(2, 0, 8)), InvalidArgument);
  EXPECT_THROW(made.encode(pixels.narrow(3, 0, 15)), InvalidArgument);
  EXPECT_THROW(made.decode(pixels.narrow(1, 0, 2)), InvalidArgument);
  EXPECT_THROW(made.decode(fixture_["latents"], {.tiling = VaeTiling{32, 32, 40, 24}}),
               InvalidArgument);
  EXPECT_THROW(made.decode(fixture_["latents"], {.tiling = VaeTiling{36, 36, 20, 20}}),
               InvalidArgument);
}

// Wan 2.1's VAE: 126.9 million parameters.
TEST(WanVae, HasTheParametersOfThePublishedSize) {
  WanVaeConfig config = official_wan_vae_config();
  ShapeSource shapes(at::kFloat);
  const WanVae made(config, shapes);
  EXPECT_EQ(shapes.num_parameters(), 126892531);
}

}  // namespace
}  // namespace radial::video
