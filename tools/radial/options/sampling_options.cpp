#include "options/sampling_options.h"

#include <array>
#include <string>

#include "options/option_values.h"

namespace radial::tools {
namespace {

constexpr const char* kHeading = "Sampling";

video::SamplingMethod parse_method(const std::string& text) {
  using video::SamplingMethod;
  for (const auto method :
       {SamplingMethod::kUniPc, SamplingMethod::kDpmPlusPlus, SamplingMethod::kEuler}) {
    if (text == name_of(method)) return method;
  }
  refuse("--sampling-method", "unipc, dpm++ or euler", text);
}

video::GridConvention parse_grid(const std::string& text) {
  using video::GridConvention;
  for (const auto grid : {GridConvention::kDiffusers, GridConvention::kOfficial}) {
    if (text == name_of(grid)) return grid;
  }
  refuse("--noise-grid", "diffusers or official", text);
}

}  // namespace

void SamplingOptions::add_to(CLI::App& app) {
  OptionGroup group(app, kHeading);
  group.add_value(
      "--sampling-method,--sample-solver,--scheduler", "NAME",
      [this](const std::string& text) { options_.method = parse_method(text); },
      "unipc (default), dpm++ or euler");
  group.add_value(
      "--steps,--sample-steps,--num-inference-steps,--infer-steps", "N",
      [this](const std::string& text) {
        options_.num_steps = static_cast<int>(
            parse_integer("--steps", text, {.least = 1, .most = options_.num_train_timesteps}));
      },
      "Steps from noise to video; default 50");
  group.add_value(
      "--flow-shift,--sample-shift,--shift", "X",
      [this](const std::string& text) { shift_ = parse_number("--flow-shift", text, 0, 1000); },
      "Moves the steps towards the noise; default: as the model's settings say");
  group.add_value(
      "--noise-grid", "NAME", [this](const std::string& text) { options_.grid = parse_grid(text); },
      "Whose noise levels: diffusers (default) or official, those of the model's own code");
}

video::ScheduleOptions SamplingOptions::resolve(double default_shift) const {
  video::ScheduleOptions resolved = options_;
  resolved.shift = shift_.value_or(default_shift);
  return resolved;
}

}  // namespace radial::tools
