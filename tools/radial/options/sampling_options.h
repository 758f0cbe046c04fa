#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "video/sampling/noise_schedule.h"

namespace radial::tools {

/// `--sampling-method --steps --flow-shift --noise-grid`: how a run goes from noise to a sample.
class SamplingOptions {
 public:
  void add_to(CLI::App& app);

  /// `default_shift` is what the model's own settings say.
  video::ScheduleOptions resolve(double default_shift) const;

 private:
  video::ScheduleOptions options_;
  std::optional<double> shift_;
};

}  // namespace radial::tools
