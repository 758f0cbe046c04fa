#include "video/train/clip_source.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <thread>

#include "engine/fixture.h"
#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/memory_source.h"
#include "video/train/clip_files.h"

namespace radial::video {
namespace {

constexpr ClipSize kSize{.width = 16, .height = 16, .num_frames = 3};

WanVaeConfig vae_config() {
  WanVaeConfig config;
  config.base_dim = config.decoder_base_dim = 4;
  config.z_dim = 4;
  config.num_res_blocks = 1;
  config.dim_mult = {1, 2};
  config.temporal_downsample = {true};
  config.latents_mean = {0.1, -0.2, 0.3, 0};
  config.latents_std = {1, 0.5, 2, 1};
  return config;
}

class ClipSourceTest : public testing::Test {
 protected:
  ClipSourceTest() : vae_(make_vae()), encoder_(vae_, kSize, at::kCPU) {}

  static WanVae make_vae() {
    TableSource source(initial_weights(vae_config(), 1));
    return WanVae(vae_config(), source);
  }

  // Latents must stay with their scenes, wherever they lie in the store.
  void expect_own_latents(const LatentClips& clips, double tolerance) const {
    ASSERT_EQ(clips.latents.size(0), static_cast<std::int64_t>(clips.scenes.size()));
    for (std::size_t i = 0; i < clips.scenes.size(); ++i) {
      EXPECT_FALSE(is_held_out(clips.scenes[i]));
      const at::Tensor expected = encoder_.encode({clips.scenes[i]}).latents[0];
      const at::Tensor got = clips.latents[static_cast<std::int64_t>(i)];
      EXPECT_LE(relative_l2(got.to(at::kFloat), expected.to(at::kFloat)), tolerance) << i;
    }
  }

  WanVae vae_;
  ClipEncoder encoder_;
};

TEST_F(ClipSourceTest, LatentsAreNormalisedAndDependOnTheScene) {
  const LatentClips two = encoder_.encode_training(5, 0, 2);
  EXPECT_EQ(two.latents.sizes(), at::IntArrayRef({2, 4, 2, 8, 8}));
  EXPECT_EQ(two.latents.scalar_type(), at::kBFloat16);
  const at::Tensor means = vae_.encode(render({two.scenes[1]}, kSize, at::kCPU));
  const at::Tensor expected = vae_.normalized(means)[0];
  EXPECT_LE(relative_l2(two.latents[1].to(at::kFloat), expected), 5e-3);
  EXPECT_GT(relative_l2(two.latents[0].to(at::kFloat), expected), 5e-2);
}

TEST_F(ClipSourceTest, WhatIsInTheStoreFollowsFromTheStep) {
  const RollingClips::Options options{.seed = 5, .capacity = 6, .new_per_step = 2};
  RollingClips uninterrupted(encoder_, options);
  LatentClips last;
  for (std::int64_t step = 0; step < 5; ++step) {
    last = uninterrupted.batch(8, {.seed = 1, .step = step});
    EXPECT_EQ(uninterrupted.num_drawn(), 6 + 2 * step);
  }
  EXPECT_EQ(uninterrupted.size(), 6);
  expect_own_latents(last, 0);
  RollingClips resumed(encoder_, options);
  const LatentClips again = resumed.batch(8, {.seed = 1, .step = 4});
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(again.scenes[i].look, last.scenes[i].look) << i;
  }
  EXPECT_TRUE(again.latents.equal(last.latents));
  const LatentClips other = resumed.batch(8, {.seed = 1, .step = 4, .pass = 1});
  EXPECT_FALSE(other.latents.equal(last.latents)) << "another pass takes the same clips";
}

TEST_F(ClipSourceTest, ABackgroundThreadFillsTheStore) {
  RollingClips clips(encoder_, {.seed = 5, .capacity = 24, .background_share = 1, .begin_with = 8});
  LatentClips taken = clips.batch(4, {.seed = 1});
  EXPECT_GE(clips.size(), 8);
  constexpr std::int64_t kManySteps = 2000;
  for (std::int64_t step = 1; step < kManySteps && clips.num_drawn() < 40; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    taken = clips.batch(16, {.seed = 1, .step = step});
  }
  EXPECT_EQ(clips.size(), 24);
  EXPECT_GE(clips.num_drawn(), 40);
  EXPECT_EQ(clips.trouble(), "");
  expect_own_latents(taken, 1e-2);  // the thread encodes several at once
}

TEST_F(ClipSourceTest, SeveralThreadsDrawEachSceneOnce) {
  RollingClips clips(encoder_, {.seed = 5,
                                .capacity = 12,
                                .background_share = 1,
                                .background_threads = 3,
                                .begin_with = 12});
  const LatentClips taken = clips.batch(64, {.seed = 1});  // all of the twelve, most likely
  expect_own_latents(taken, 1e-2);
  std::set<std::uint64_t> looks;
  for (const Scene& scene : taken.scenes) looks.insert(scene.look);
  EXPECT_GE(looks.size(), 8u) << "scenes were drawn twice";
  EXPECT_EQ(clips.trouble(), "");
}

TEST_F(ClipSourceTest, AFailureInTheBackgroundIsNamed) {
  ClipSize size = kSize;
  size.fps = 0;
  const ClipEncoder broken(vae_, size, at::kCPU);
  RollingClips clips(broken, {.capacity = 8, .background_share = 0.5});
  try {
    clips.batch(1, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("fps"), std::string::npos) << error.what();
  }
  EXPECT_NE(clips.trouble(), "");
}

TEST_F(ClipSourceTest, FilesHoldWhatWasDrawn) {
  const TemporaryFolder folder;
  const std::string digest = vae_digest(vae_config(), initial_weights(vae_config(), 1));
  ClipFilesOptions options{.seed = 5, .count = 7, .per_file = 3, .vae_digest = digest};
  options.go_on = [](std::int64_t done) { return done < 5; };
  EXPECT_EQ(write_clip_files(folder.path(), encoder_, options), 3) << "stopped in the second file";
  EXPECT_EQ(clip_files(folder.path()).size(), 1u);
  options.go_on = [](std::int64_t) { return true; };
  EXPECT_EQ(write_clip_files(folder.path(), encoder_, options), 7);
  FileClips stored(folder.path(), digest, at::kCPU);
  EXPECT_EQ(stored.size(), 7);
  RollingClips drawn(encoder_, {.seed = 5, .capacity = 7, .new_per_step = 0});
  const DrawKey key{.seed = 2, .step = 3};
  EXPECT_TRUE(stored.batch(8, key).latents.equal(drawn.batch(8, key).latents));
  expect_own_latents(stored.batch(4, key), 0);

  const std::string other = vae_digest(vae_config(), initial_weights(vae_config(), 2));
  EXPECT_NE(other, digest);
  EXPECT_THROW(FileClips(folder.path(), other, at::kCPU), InvalidArgument);
  options.seed = 6;
  EXPECT_THROW(write_clip_files(folder.path(), encoder_, options), InvalidArgument);
  EXPECT_THROW(FileClips(folder.path() / "none", digest, at::kCPU), Error);
}

TEST_F(ClipSourceTest, RefusesBadOptions) {
  EXPECT_THROW(RollingClips(encoder_, {.capacity = 0}), InvalidArgument);
  EXPECT_THROW(RollingClips(encoder_, {.capacity = 4, .new_per_step = 5}), InvalidArgument);
  EXPECT_THROW(RollingClips(encoder_, {.background_share = 2}), InvalidArgument);
  EXPECT_THROW(RollingClips(encoder_, {.begin_with = 0}), InvalidArgument);
  EXPECT_THROW(RollingClips(encoder_, {.background_share = 1, .background_threads = 65}),
               InvalidArgument);
  for (const ClipSize& size : {ClipSize{.width = 17, .height = 16, .num_frames = 3},
                               ClipSize{.width = 16, .height = 0, .num_frames = 3},
                               ClipSize{.width = 16, .height = 16, .num_frames = 4}}) {
    EXPECT_THROW(ClipEncoder(vae_, size, at::kCPU), InvalidArgument);
  }
}

}  // namespace
}  // namespace radial::video
