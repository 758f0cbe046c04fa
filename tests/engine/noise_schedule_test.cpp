#include "video/sampling/noise_schedule.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "radial/base/error.h"

namespace radial::video {
namespace {

struct Case {
  std::string name;
  ScheduleOptions options;
  std::vector<float> timesteps, sigmas;
};

ScheduleOptions options(SamplingMethod method, GridConvention grid, int num_steps, double shift) {
  return {.method = method, .grid = grid, .num_steps = num_steps, .shift = shift};
}

// What the schedulers of diffusers 0.42.1 give, to nine digits.
std::vector<Case> diffusers_cases() {
  constexpr auto kGrid = GridConvention::kDiffusers;
  constexpr auto kUniPc = SamplingMethod::kUniPc;
  constexpr auto kDpm = SamplingMethod::kDpmPlusPlus;
  constexpr auto kEuler = SamplingMethod::kEuler;
  return {
      {"unipc4",
       options(kUniPc, kGrid, 4, 5),
       {999, 937, 833, 625},
       {0.999998987f, 0.937578082f, 0.833610952f, 0.625936091f, 0}},
      {"unipc6",
       options(kUniPc, kGrid, 6, 8),
       {999, 975, 941, 889, 800, 616},
       {0.999998987f, 0.97563833f, 0.941259503f, 0.889086246f, 0.800479352f, 0.616800904f, 0}},
      {"unipc1", options(kUniPc, kGrid, 1, 3), {999}, {0.999998987f, 0}},
      {"unipc_unshifted",
       options(kUniPc, kGrid, 3, 1),
       {999, 667, 333},
       {0.999998987f, 0.666999996f, 0.333999991f, 0}},
      {"dpm4",
       options(kDpm, kGrid, 4, 5),
       {999, 937, 833, 624},
       {0.999799848f, 0.937265456f, 0.833055377f, 0.624687314f, 0}},
      {"dpm6",
       options(kDpm, kGrid, 6, 8),
       {999, 975, 941, 888, 799, 615},
       {0.99987489f, 0.975466847f, 0.941010237f, 0.888691187f, 0.799759805f, 0.615100443f, 0}},
      {"dpm1", options(kDpm, kGrid, 1, 3), {999}, {0.999666452f, 0}},
      {"euler4",
       options(kEuler, kGrid, 4, 5),
       {1000, 909.707153f, 717.317444f, 24.4140663f},
       {1, 0.909707129f, 0.717317462f, 0.0244140662f, 0}},
      {"euler5",
       options(kEuler, kGrid, 5, 7),
       {1000, 954.947205f, 876.514221f, 705.772644f, 46.755722f},
       {1, 0.954947233f, 0.876514196f, 0.705772638f, 0.0467557237f, 0}},
      {"euler1", options(kEuler, kGrid, 1, 3), {1000}, {1, 0}},
      {"euler_unshifted",
       options(kEuler, kGrid, 3, 1),
       {1000, 500.500031f, 1},
       {1, 0.500500023f, 0.001f, 0}},
  };
}

TEST(NoiseSchedule, IsThatOfDiffusers) {
  for (const Case& expected : diffusers_cases()) {
    SCOPED_TRACE(expected.name);
    const NoiseSchedule schedule = make_noise_schedule(expected.options);
    ASSERT_EQ(schedule.timesteps.size(), expected.timesteps.size());
    ASSERT_EQ(schedule.sigmas.size(), expected.sigmas.size());
    for (std::size_t i = 0; i < expected.timesteps.size(); ++i) {
      EXPECT_FLOAT_EQ(schedule.timesteps[i], expected.timesteps[i]);
    }
    for (std::size_t i = 0; i < expected.sigmas.size(); ++i) {
      EXPECT_FLOAT_EQ(schedule.sigmas[i], expected.sigmas[i]);
    }
  }
}

// Timesteps that the model's own code gives for 50 steps, shift 5: 999 995 991 987 ... 241 172 92.
TEST(NoiseSchedule, OfficialUniPcStartsBelowOne) {
  const NoiseSchedule schedule =
      make_noise_schedule(options(SamplingMethod::kUniPc, GridConvention::kOfficial, 50, 5));
  const std::vector<float>& t = schedule.timesteps;
  EXPECT_EQ((std::vector<float>(t.begin(), t.begin() + 4)),
            (std::vector<float>{999, 995, 991, 987}));
  EXPECT_EQ((std::vector<float>(t.end() - 3, t.end())), (std::vector<float>{241, 172, 92}));
  EXPECT_EQ(make_noise_schedule(options(SamplingMethod::kUniPc, GridConvention::kOfficial, 4, 5))
                .timesteps,
            (std::vector<float>{999, 937, 833, 624}));
}

TEST(NoiseSchedule, DiffusersUniPcAtFiftySteps) {
  const std::vector<float> t =
      make_noise_schedule(options(SamplingMethod::kUniPc, GridConvention::kDiffusers, 50, 5))
          .timesteps;
  EXPECT_EQ((std::vector<float>(t.end() - 3, t.end())), (std::vector<float>{244, 175, 96}));
}

TEST(NoiseSchedule, OfficialEulerIsShiftedOnce) {
  const std::vector<float> expected = {1, 0.965517f, 0.913043f, 0.823529f, 0.636364f, 0};
  const NoiseSchedule schedule =
      make_noise_schedule(options(SamplingMethod::kEuler, GridConvention::kOfficial, 5, 7));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(schedule.sigmas[i], expected[i], 5e-7) << "six digits are printed, level " << i;
  }
}

TEST(NoiseSchedule, FallsFromNoiseToZero) {
  for (const auto method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    for (const auto grid : {GridConvention::kDiffusers, GridConvention::kOfficial}) {
      for (const int steps : {1, 2, 7, 50}) {
        const NoiseSchedule s = make_noise_schedule(options(method, grid, steps, 3));
        for (int i = 0; i < steps; ++i) EXPECT_GT(s.sigmas[i], s.sigmas[i + 1]);
        EXPECT_EQ(s.sigmas.back(), 0);
      }
    }
  }
}

TEST(NoiseSchedule, RefusesWhatItCannotDo) {
  const auto make = [](int steps, double shift) {
    make_noise_schedule(options(SamplingMethod::kUniPc, GridConvention::kDiffusers, steps, shift));
  };
  EXPECT_THROW(make(0, 5), InvalidArgument);
  EXPECT_THROW(make(1001, 5), InvalidArgument);
  EXPECT_THROW(make(4, 0), InvalidArgument);
  EXPECT_THROW(make(4, std::numeric_limits<double>::infinity()), InvalidArgument);
  EXPECT_THROW(parse_sampling_method("heun"), InvalidArgument);
  EXPECT_THROW(parse_grid_convention(""), InvalidArgument);
}

TEST(NoiseSchedule, NamesParseBack) {
  for (const auto method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    EXPECT_EQ(parse_sampling_method(name_of(method)), method);
  }
  for (const auto grid : {GridConvention::kDiffusers, GridConvention::kOfficial}) {
    EXPECT_EQ(parse_grid_convention(name_of(grid)), grid);
  }
}

}  // namespace
}  // namespace radial::video
