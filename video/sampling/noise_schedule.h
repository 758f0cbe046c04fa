#pragma once

#include <string_view>
#include <vector>

namespace radial::video {

/// How a step from one noise level to the next is taken.
enum class SamplingMethod {
  kUniPc,        ///< UniPC of order 2, "bh2", predicting the clean sample
  kDpmPlusPlus,  ///< DPM-Solver++ 2M, midpoint
  kEuler,
};

/// Whose noise levels: diffusers and the models' own code differ; tests reproduce both to float32.
enum class GridConvention {
  kDiffusers,  ///< what diffusers' schedulers give `WanPipeline`
  kOfficial,   ///< what the model's own code uses
};

std::string_view name_of(SamplingMethod method);
std::string_view name_of(GridConvention grid);
/// By name ("unipc", "dpm++", "euler"); throws InvalidArgument that lists them.
SamplingMethod parse_sampling_method(std::string_view name);
/// By name ("diffusers", "official"); throws InvalidArgument that lists them.
GridConvention parse_grid_convention(std::string_view name);

/// Noise levels of a run, x = (1 - sigma) * clean + sigma * noise.
struct NoiseSchedule {
  std::vector<float> timesteps;  ///< [N] as the model gets them, falling
  std::vector<float> sigmas;     ///< [N + 1], the last is 0

  int num_steps() const { return static_cast<int>(timesteps.size()); }
};

struct ScheduleOptions {
  SamplingMethod method = SamplingMethod::kUniPc;
  GridConvention grid = GridConvention::kDiffusers;
  int num_steps = 50;
  double shift = 5.0;  ///< sigma' = shift * sigma / (1 + (shift - 1) * sigma)
  int num_train_timesteps = 1000;
};

/// Throws InvalidArgument unless the step count is in [1, train timesteps] and the shift positive
/// and finite.
NoiseSchedule make_noise_schedule(const ScheduleOptions& options);

}  // namespace radial::video
