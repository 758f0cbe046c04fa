#include "video/pipeline/denoise.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/fake_recorder.h"
#include "engine/fixture.h"
#include "engine/masked_attention.h"
#include "radial/base/error.h"
#include "video/pipeline/noise.h"
#include "video/pipeline/run_state.h"

namespace radial::video {
namespace {

class DenoiseParity : public testing::Test {
 protected:
  DenoiseParity() : model_(make_model()) {}

  WanTransformer make_model() const {
    WanConfig config;
    config.num_attention_heads = 1;
    config.attention_head_dim = 16;
    config.in_channels = config.out_channels = 4;
    config.text_dim = 10;
    config.freq_dim = 24;
    config.ffn_dim = 24;
    config.num_layers = 1;
    TableSource source = fixture_.weights();
    WanTransformer made(config, source);
    source.finish();
    return made;
  }

  // A dense run on the schedule gives the latents that `runs` has under `name`.
  void expect_latents(const Fixture& runs, const std::string& name, SamplingMethod method,
                      const NoiseSchedule& schedule) {
    const at::Tensor noise = runs[name + "noise"];
    const ResolvedAttention dense =
        resolve_attention({}, model_.layout_of(noise), 1, schedule, plans_);
    const at::Tensor latents =
        denoise(model_, {noise, runs[name + "prompt"], runs[name + "negative"]},
                {method, schedule, 4}, dense);
    EXPECT_PARITY(latents, runs[name + "latents"]);
  }

  DenoiseInputs inputs() const {
    return {fixture_["noise"], fixture_["prompt"], fixture_["negative"]};
  }

  at::Tensor run(SamplingMethod method, const AttentionOptions& attention, double guidance = 4,
                 const StepObserver& observer = {}) {
    return run_with({.method = method, .schedule = {}, .guidance = guidance}, attention, observer);
  }

  at::Tensor run_with(DenoiseOptions options, const AttentionOptions& attention,
                      const StepObserver& observer = {}) {
    options.schedule = make_noise_schedule({.method = options.method, .num_steps = 6, .shift = 5});
    const ResolvedAttention resolved = resolve_attention(
        attention, model_.layout_of(fixture_["noise"]), 1, options.schedule, plans_);
    return denoise(model_, inputs(), options, resolved, observer);
  }

  Fixture fixture_{"wan_denoise.safetensors"};
  WanTransformer model_;
  PlanCache plans_;
};

TEST_F(DenoiseParity, GivesTheLatentsOfDiffusers) {
  for (const auto method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    SCOPED_TRACE(name_of(method));
    EXPECT_PARITY(run(method, {}), fixture_["latents." + std::string(name_of(method))]);
  }
}

// tests/parity/generate/denoise_runs.py: videos of 1 to 17 frames, odd grids, texts of 1 to 9
// tokens.
TEST_F(DenoiseParity, GivesTheLatentsOfDiffusersForAnyStepsAndSizes) {
  const Fixture runs("denoise_runs.safetensors");
  const std::map<SamplingMethod, std::vector<int>> steps{
      {SamplingMethod::kUniPc, {2, 3, 10, 20}},
      {SamplingMethod::kDpmPlusPlus, {2, 3, 10, 20}},
      {SamplingMethod::kEuler, {2, 20}}};
  for (const auto& [method, counts] : steps) {
    for (const int count : counts) {
      const std::string name = concat(name_of(method), ".", count, ".");
      SCOPED_TRACE(name);
      const NoiseSchedule schedule =
          make_noise_schedule({.method = method, .num_steps = count, .shift = 5});
      expect_latents(runs, name, method, schedule);
    }
  }
}

// tests/parity/generate/official_runs.py: the noise levels of Wan's own code.
TEST_F(DenoiseParity, GivesTheLatentsOfTheOfficialNoiseLevels) {
  const Fixture runs("official_runs.safetensors");
  struct Run {
    SamplingMethod method;
    int steps;
    double shift;
  };
  for (const auto& [method, steps, shift] : {Run{SamplingMethod::kUniPc, 4, 5},
                                             {SamplingMethod::kUniPc, 12, 3},
                                             {SamplingMethod::kUniPc, 3, 12},
                                             {SamplingMethod::kDpmPlusPlus, 4, 5},
                                             {SamplingMethod::kDpmPlusPlus, 12, 3}}) {
    const std::string name = concat(name_of(method), ".", steps, ".");
    SCOPED_TRACE(name);
    const NoiseSchedule schedule = make_noise_schedule(
        {.method = method, .grid = GridConvention::kOfficial, .num_steps = steps, .shift = shift});
    EXPECT_TRUE(at::equal(at::tensor(schedule.timesteps), runs[name + "timesteps"]));
    expect_latents(runs, name, method, schedule);
  }
}

// A run in torch alone: the boolean mask of the plan's tokens, one step dense, and the sampler.
TEST_F(DenoiseParity, ASparseRunIsThatOfTheTokenMask) {
  const at::Tensor noise = initial_noise({1, 4, 16, 20, 20}, 3);
  const NoiseSchedule schedule = make_noise_schedule({.num_steps = 4, .shift = 5});
  for (const char* rule : {"radial", "window", "spatial"}) {
    SCOPED_TRACE(rule);
    MaskOptions mask{.rule = rule, .block_size = 64};
    if (rule == std::string("radial")) mask.decay_factor = 0.2;
    AttentionOptions options{.mask = mask};
    options.dense.dense_steps = PlaceSet("--dense-timesteps", "1");
    const ResolvedAttention sparse =
        resolve_attention(options, model_.layout_of(noise), 1, schedule, plans_);
    ASSERT_LT(sparse.plan->plan().stats().density, 0.95);
    const DenoiseInputs inputs{noise, fixture_["prompt"], fixture_["negative"]};
    const at::Tensor ours = denoise(model_, inputs, {SamplingMethod::kUniPc, schedule, 4}, sparse);

    const auto video = model_.prepare_video(sparse.layout, at::kCPU);
    const LayerAttention masked(masked_attention(sparse.plan->plan()), {});
    Sampler sampler(SamplingMethod::kUniPc, schedule);
    at::Tensor latents = noise;
    while (!sampler.done()) {
      const int step = sampler.next_step();
      const auto flow = [&](const at::Tensor& text) {
        return model_.forward(latents, at::tensor({schedule.timesteps[step]}),
                              model_.prepare_text(text), video,
                              step == 0 ? LayerAttention() : masked);
      };
      const at::Tensor wanted = flow(inputs.prompt), unwanted = flow(inputs.negative_prompt);
      latents = sampler.step(unwanted + (wanted - unwanted) * 4, latents);
    }
    EXPECT_PARITY(ours, latents);
    ResolvedAttention dense = sparse;
    dense.plan = {};
    EXPECT_GT(
        relative_l2(ours, denoise(model_, inputs, {SamplingMethod::kUniPc, schedule, 4}, dense)),
        1e-4)
        << "the mask changes nothing";
  }
}

TEST_F(DenoiseParity, ASeedMeansTheNoiseOfTorchsCpuGenerator) {
  EXPECT_TRUE(at::equal(initial_noise({1, 4, 3, 4, 6}, 7), fixture_["noise"]));
  EXPECT_FALSE(at::equal(initial_noise({1, 4, 3, 4, 6}, 8), fixture_["noise"]));
}

TEST_F(DenoiseParity, TiledOrderGivesTheSameVideo) {
  EXPECT_PARITY(run(SamplingMethod::kUniPc, {.order = TokenOrder::tiled(2, 2)}),
                fixture_["latents.unipc"]);
}

TEST_F(DenoiseParity, ADenseRuleThroughThePlanIsDense) {
  EXPECT_PARITY(run(SamplingMethod::kUniPc, {.mask = MaskOptions{.rule = "dense"}}),
                fixture_["latents.unipc"]);
}

// Two dense and four masked steps, each with the prompt and the negative prompt: four kinds of
// pass.
TEST_F(DenoiseParity, RecordsEachKindOfPassOnceAndGivesTheSameLatents) {
  AttentionOptions attention{.mask = MaskOptions{.rule = "radial", .block_size = 64}};
  attention.dense.dense_steps = PlaceSet("dense steps", "2");
  for (const auto method : {SamplingMethod::kUniPc, SamplingMethod::kEuler}) {
    for (const auto& order : {TokenOrder::raster(), TokenOrder::tiled(2, 2)}) {
      attention.order = order;
      FakeRecorder recorder;
      const at::Tensor recorded = run_with(
          {.method = method, .schedule = {}, .guidance = 4, .recorder = &recorder}, attention);
      EXPECT_TRUE(at::equal(recorded, run(method, attention)));
      EXPECT_EQ(recorder.runs, 4);
      EXPECT_EQ(recorder.recordings, 4);
      EXPECT_EQ(recorder.replays, 2 * 6 - 4);
    }
  }
  FakeRecorder unguided;
  run_with({.schedule = {}, .guidance = 1, .recorder = &unguided}, {});
  EXPECT_EQ(unguided.recordings, 1);
}

TEST_F(DenoiseParity, GoesOnWithoutRecordingAndSaysWhyOnce) {
  FakeRecorder recorder;
  recorder.refusal = "no";
  std::vector<std::string> reasons;
  const at::Tensor latents =
      run_with({.schedule = {},
                .guidance = 4,
                .recorder = &recorder,
                .on_not_recorded = [&](const std::string& reason) { reasons.push_back(reason); }},
               {});
  EXPECT_TRUE(at::equal(latents, run(SamplingMethod::kUniPc, {})));
  EXPECT_EQ(reasons, std::vector<std::string>{"no"});
}

TEST_F(DenoiseParity, TellsItsObserverOfEveryStep) {
  std::vector<int> steps;
  at::Tensor last;
  const auto observer = [&](const DenoiseProgress& progress) {
    steps.push_back(progress.steps_done);
    last = progress.state.latents;
  };
  const at::Tensor result = run(SamplingMethod::kEuler, {}, 4, observer);
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(at::equal(last, result));
}

TEST_F(DenoiseParity, GoesOnFromAKeptStateBitForBit) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("radial_state_" + std::to_string(::getpid()) + ".safetensors");
  for (const auto method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    SCOPED_TRACE(name_of(method));
    const at::Tensor whole = run(method, {}, 4, [&](const DenoiseProgress& progress) {
      if (progress.steps_done == 3) save_run_state(file, progress.state, {{"seed", "1"}});
    });
    const RunState kept = load_run_state(file);
    EXPECT_EQ(kept.state.sampler.next_step, 3);
    EXPECT_EQ(kept.settings, (RunSettings{{"seed", "1"}}));
    const NoiseSchedule schedule =
        make_noise_schedule({.method = method, .num_steps = 6, .shift = 5});
    const ResolvedAttention dense =
        resolve_attention({}, model_.layout_of(fixture_["noise"]), 1, schedule, plans_);
    const at::Tensor resumed =
        denoise(model_, inputs(), {method, schedule, 4, kept.state}, dense, {});
    EXPECT_TRUE(at::equal(resumed, whole));
  }
  std::filesystem::remove(file);
}

TEST_F(DenoiseParity, NeedsNoNegativePromptAtGuidanceOne) {
  DenoiseInputs alone{fixture_["noise"], fixture_["prompt"], {}};
  const NoiseSchedule schedule = make_noise_schedule({.num_steps = 2});
  const ResolvedAttention dense =
      resolve_attention({}, model_.layout_of(fixture_["noise"]), 1, schedule, plans_);
  EXPECT_NO_THROW(denoise(model_, alone, {SamplingMethod::kUniPc, schedule, 1.0}, dense));
  EXPECT_THROW(denoise(model_, alone, {SamplingMethod::kUniPc, schedule, 1.5}, dense),
               InvalidArgument);
}

TEST_F(DenoiseParity, ResolvesWhenToBeDense) {
  const NoiseSchedule schedule = make_noise_schedule({.num_steps = 4});
  const VideoLayout layout = model_.layout_of(fixture_["noise"]);
  const ResolvedAttention resolved = resolve_attention(
      {.mask = MaskOptions{},
       .dense = {.dense_layers = PlaceSet("--dense-layers", "1"),
                 .dense_steps = PlaceSet("--dense-timesteps", "0-0"),
                 .last_dense_steps = PlaceSet("--last-dense-timesteps", "last:1")}},
      layout, 2, schedule, plans_);
  EXPECT_TRUE(resolved.at_step(0).is_dense(1));
  EXPECT_TRUE(resolved.at_step(1).is_dense(0));
  EXPECT_FALSE(resolved.at_step(1).is_dense(1));
  EXPECT_TRUE(resolved.at_step(3).is_dense(1));
  EXPECT_DOUBLE_EQ(resolved.sparse_share(), 0.25);
}

}  // namespace
}  // namespace radial::video
