#include "video/sampling/sampler.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "radial/base/error.h"

namespace radial::video {
namespace {

using Triple = std::array<double, 3>;

// A field that is neither linear nor the same for all: v = 0.7 x - 0.3 sin(3 x) + 0.2 sigma.
at::Tensor toy_flow(const at::Tensor& x, double sigma) {
  return x * 0.7 - (x * 3).sin() * 0.3 + 0.2 * sigma;
}

struct Trajectory {
  std::string name;
  SamplingMethod method;
  GridConvention grid;
  double shift;
  std::vector<Triple> states;  // after each of five steps
};

// The official and Hunyuan rows come from those models' own code, the others from diffusers
// 0.42.1; printed to six digits or more.
const std::vector<Trajectory>& runs() {
  static const std::vector<Trajectory> kRuns = {
      {"official unipc",
       SamplingMethod::kUniPc,
       GridConvention::kOfficial,
       5,
       {{.959138, -.507109, .241878},
        {.906264, -.516189, .230889},
        {.835740, -.527671, .215400},
        {.735423, -.540935, .192440},
        {.521982, -.558697, .146896}}},
      {"diffusers unipc",
       SamplingMethod::kUniPc,
       GridConvention::kDiffusers,
       5,
       {{.959208343, -.507098444, .241890399},
        {.906209163, -.516206536, .230890695},
        {.836105636, -.527623914, .215461369},
        {.735936273, -.540890786, .192548811},
        {.521378007, -.558891992, .146710899}}},
      {"official dpm++",
       SamplingMethod::kDpmPlusPlus,
       GridConvention::kOfficial,
       5,
       {{.959159, -.507107, .241881},
        {.904287, -.516570, .230626},
        {.831447, -.528607, .214716},
        {.730414, -.542342, .191244},
        {.520239, -.559563, .145605}}},
      {"diffusers dpm++",
       SamplingMethod::kDpmPlusPlus,
       GridConvention::kDiffusers,
       5,
       {{.959137815, -.507109158, .241877899},
        {.904705541, -.516485937, .230682593},
        {.831776305, -.528523036, .214777708},
        {.730684526, -.542255628, .191320721},
        {.520476799, -.559468629, .145743405}}},
      {"hunyuan euler",
       SamplingMethod::kEuler,
       GridConvention::kOfficial,
       7,
       {{.970425, -.505147, .244120},
        {.928241, -.512443, .235546},
        {.863113, -.523518, .221877},
        {.748660, -.541906, .196656},
        {.483197, -.572124, .134272}}},
      {"diffusers euler",
       SamplingMethod::kEuler,
       GridConvention::kDiffusers,
       7,
       {{.961359864, -.506724058, .242318126},
        {.899590828, -.517382973, .229672128},
        {.784089373, -.536690879, .204856582},
        {.469702878, -.579684856, .131328727},
        {.467736508, -.574978195, .131977721}}},
  };
  return kRuns;
}

NoiseSchedule schedule_of(const Trajectory& run, int num_steps = 5) {
  return make_noise_schedule(
      {.method = run.method, .grid = run.grid, .num_steps = num_steps, .shift = run.shift});
}

at::Tensor start() { return at::tensor({1.0, -0.5, 0.25}, at::kDouble); }

TEST(Sampler, FollowsTheReferenceStepByStep) {
  // The tables hold six digits, and diffusers computes its DPM++ in float32.
  constexpr double kPrinted = 1e-6;
  for (const Trajectory& run : runs()) {
    Sampler sampler(run.method, schedule_of(run));
    at::Tensor x = start();
    for (int i = 0; i < 5; ++i) {
      x = sampler.step(toy_flow(x, sampler.schedule().sigmas[i]), x);
      for (int j = 0; j < 3; ++j) {
        EXPECT_NEAR(x[j].item<double>(), run.states[i][j], kPrinted)
            << run.name << ", after step " << i + 1;
      }
    }
    EXPECT_TRUE(sampler.done()) << run.name;
  }
}

// With the flow of a single clean sample every solver arrives at it exactly, whatever the steps.
TEST(Sampler, ArrivesAtTheOnlyCleanSample) {
  const at::Tensor clean = at::tensor({0.3, -2.0, 5.0}, at::kDouble);
  const at::Tensor noise = start();
  for (const Trajectory& run : runs()) {
    for (const int steps : {1, 2, 3, 6}) {
      Sampler sampler(run.method, schedule_of(run, steps));
      const double first = sampler.schedule().sigmas[0];
      at::Tensor x = clean * (1 - first) + noise * first;
      for (int i = 0; i < steps; ++i) x = sampler.step(noise - clean, x);
      EXPECT_TRUE(at::allclose(x, clean, 0, 1e-6)) << run.name << ", " << steps << " steps";
    }
  }
}

TEST(Sampler, GoesOnFromItsState) {
  for (const Trajectory& run : runs()) {
    Sampler whole(run.method, schedule_of(run));
    at::Tensor x = start();
    for (int i = 0; i < 2; ++i) x = whole.step(toy_flow(x, whole.schedule().sigmas[i]), x);
    Sampler resumed(run.method, schedule_of(run));
    resumed.restore(whole.state());
    at::Tensor y = x;
    for (int i = 2; i < 5; ++i) {
      x = whole.step(toy_flow(x, whole.schedule().sigmas[i]), x);
      y = resumed.step(toy_flow(y, resumed.schedule().sigmas[i]), y);
    }
    EXPECT_TRUE(at::equal(x, y)) << run.name;
  }
}

TEST(Sampler, KeepsTheDtypeOfTheSample) {
  for (const Trajectory& run : runs()) {
    Sampler sampler(run.method, schedule_of(run));
    at::Tensor x = start().to(at::kFloat);
    for (int i = 0; i < 5; ++i) {
      x = sampler.step(toy_flow(x, 0.5).to(at::kBFloat16), x);
      ASSERT_EQ(x.scalar_type(), at::kFloat) << run.name;
    }
  }
}

TEST(Sampler, RefusesAStepTooManyAndOtherShapes) {
  Sampler sampler(SamplingMethod::kEuler,
                  make_noise_schedule({.method = SamplingMethod::kEuler, .num_steps = 1}));
  EXPECT_THROW(sampler.step(at::randn({2}), at::randn({3})), InvalidArgument);
  sampler.step(at::randn({3}), at::randn({3}));
  EXPECT_THROW(sampler.step(at::randn({3}), at::randn({3})), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
