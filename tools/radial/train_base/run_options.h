#pragma once

#include <c10/core/Device.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "video/train/training_run.h"

namespace radial::tools {

/// `--out --resume --device --seed --steps --max-time-s --log-every --eval-every --save-every-s
/// --quiet`: what every part that trains takes.
struct RunOptions {
  std::string out;
  bool resume = false, quiet = false;
  at::Device device = at::kCPU;
  std::uint64_t seed = 0;
  video::RunLimits limits;

  void add_to(CLI::App& app);
  /// Throws InvalidArgument without a folder or a limit, or for a device that is not there.
  void check() const;
};

/// Runs a training as a person expects: opens the folder with `settings` (all that decides the
/// result, by the names of options, but neither limits of time nor what is logged; "seed" and
/// "steps" are added), makes the trainer, shows progress, stops on SIGINT and SIGTERM. Returns the
/// exit code.
int run_training_part(const RunOptions& options, nlohmann::ordered_json settings,
                      const std::function<std::unique_ptr<video::Trainer>()>& make_trainer);

}  // namespace radial::tools
