#include "video/sampling/noise_schedule.h"

#include <cmath>
#include <string>

#include "radial/base/error.h"

namespace radial::video {
namespace {

// `count` values from `first` to `last`, both ends included, rounded as numpy.linspace rounds: the
// timesteps are cut to whole numbers, and a level of 0.9 must not become 899.
std::vector<double> linspace(double first, double last, int count) {
  std::vector<double> values(count, first);
  const double step = count > 1 ? (last - first) / (count - 1) : 0;
  for (int i = 1; i < count; ++i) values[i] = i * step + first;
  if (count > 1) values.back() = last;
  return values;
}

double shifted(double sigma, double shift) { return shift * sigma / (1 + (shift - 1) * sigma); }

// Shifted noise levels of the two multistep solvers: N of them, without the closing zero.
std::vector<double> multistep_sigmas(const ScheduleOptions& options) {
  const double train = options.num_train_timesteps;
  double first = 1, last = 0;
  if (options.method == SamplingMethod::kUniPc) {
    if (options.grid == GridConvention::kDiffusers) {
      last = 1 / train;
    } else {
      first = 1 - 1 / train;
    }
  } else if (options.grid == GridConvention::kDiffusers) {
    first = 1 - 1 / train;
  }
  std::vector<double> sigmas = linspace(first, last, options.num_steps + 1);
  sigmas.pop_back();
  for (double& sigma : sigmas) sigma = shifted(sigma, options.shift);
  // UniPC needs log(1 - sigma); its first timestep is truncated after this, to 999.
  constexpr double kNudge = 1e-6;
  if (options.method == SamplingMethod::kUniPc && std::abs(sigmas[0] - 1) < kNudge) {
    sigmas[0] -= kNudge;
  }
  return sigmas;
}

NoiseSchedule multistep_schedule(const ScheduleOptions& options) {
  NoiseSchedule schedule;
  for (double sigma : multistep_sigmas(options)) {
    schedule.timesteps.push_back(
        static_cast<float>(std::trunc(sigma * options.num_train_timesteps)));
    schedule.sigmas.push_back(static_cast<float>(sigma));
  }
  schedule.sigmas.push_back(0);
  return schedule;
}

// diffusers shifts twice: its range is that of its shifted training grid, and what is taken from
// that range is shifted again. Its smallest level, 1 / train, is float32 when it is shifted first.
std::vector<double> euler_sigmas(const ScheduleOptions& options) {
  const double train = options.num_train_timesteps;
  std::vector<double> sigmas;
  if (options.grid == GridConvention::kDiffusers) {
    const auto shift = static_cast<float>(options.shift);
    const auto least = 1.0f / static_cast<float>(train);
    const double sigma_min = shift * least / (1 + (shift - 1) * least);
    sigmas = linspace(train, sigma_min * train, options.num_steps);
    for (double& sigma : sigmas) sigma /= train;
  } else {
    sigmas = linspace(1, 0, options.num_steps + 1);
    sigmas.pop_back();
  }
  for (double& sigma : sigmas) sigma = shifted(sigma, options.shift);
  return sigmas;
}

NoiseSchedule euler_schedule(const ScheduleOptions& options) {
  NoiseSchedule schedule;
  for (double sigma : euler_sigmas(options)) {
    schedule.sigmas.push_back(static_cast<float>(sigma));
    schedule.timesteps.push_back(schedule.sigmas.back() *
                                 static_cast<float>(options.num_train_timesteps));
  }
  schedule.sigmas.push_back(0);
  return schedule;
}

}  // namespace

std::string_view name_of(SamplingMethod method) {
  switch (method) {
    case SamplingMethod::kUniPc:
      return "unipc";
    case SamplingMethod::kDpmPlusPlus:
      return "dpm++";
    case SamplingMethod::kEuler:
      return "euler";
  }
  return "?";
}

std::string_view name_of(GridConvention grid) {
  return grid == GridConvention::kDiffusers ? "diffusers" : "official";
}

SamplingMethod parse_sampling_method(std::string_view name) {
  for (const SamplingMethod method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    if (name == name_of(method)) return method;
  }
  throw InvalidArgument(
      concat("sampling method: expected unipc, dpm++ or euler, got '", name, "'"));
}

GridConvention parse_grid_convention(std::string_view name) {
  for (const GridConvention grid : {GridConvention::kDiffusers, GridConvention::kOfficial}) {
    if (name == name_of(grid)) return grid;
  }
  throw InvalidArgument(concat("noise grid: expected diffusers or official, got '", name, "'"));
}

NoiseSchedule make_noise_schedule(const ScheduleOptions& options) {
  RADIAL_REQUIRE(options.num_train_timesteps >= 2, "num_train_timesteps: expected at least 2, got ",
                 options.num_train_timesteps);
  RADIAL_REQUIRE(options.num_steps >= 1 && options.num_steps <= options.num_train_timesteps,
                 "steps: expected 1 to ", options.num_train_timesteps, ", got ", options.num_steps);
  RADIAL_REQUIRE(std::isfinite(options.shift) && options.shift > 0,
                 "flow shift: expected a positive number, got ", options.shift);
  return options.method == SamplingMethod::kEuler ? euler_schedule(options)
                                                  : multistep_schedule(options);
}

}  // namespace radial::video
