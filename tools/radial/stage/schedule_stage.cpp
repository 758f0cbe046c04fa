#include <ATen/ops/tensor.h>

#include <cstdio>
#include <memory>
#include <string>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/output_path.h"
#include "options/sampling_options.h"
#include "stage/stages.h"
#include "video/pipeline/wan_files.h"

namespace radial::tools {
namespace {

struct ScheduleRequest {
  EngineOptions engine;
  SamplingOptions sampling;
  std::string save_path;
};

int run_schedule(const ScheduleRequest& request) {
  require_output_path("--save", request.save_path);
  const video::WanFiles files = video::find_wan_files(request.engine.model());
  const video::ScheduleOptions options = request.sampling.resolve(video::read_flow_shift(files));
  const video::NoiseSchedule schedule = video::make_noise_schedule(options);
  video::save_tensors(request.save_path, {{"timesteps", at::tensor(schedule.timesteps)},
                                          {"sigmas", at::tensor(schedule.sigmas)}});
  std::printf("%d steps of %s, shift %g\n", schedule.num_steps(),
              std::string(name_of(options.method)).c_str(), options.shift);
  return kSuccess;
}

std::function<int()> add_schedule_options(CLI::App& app) {
  auto request = std::make_shared<ScheduleRequest>();
  request->engine.add_to(app);
  request->sampling.add_to(app);
  OptionGroup group(app, "What to make");
  group.add_value(
      "--save", "FILE", [request](const std::string& text) { request->save_path = text; },
      "Write timesteps [N] as the model gets them and sigmas [N + 1]");
  return [request] { return run_schedule(*request); };
}

}  // namespace

Command schedule_stage() {
  return {.name = "schedule",
          .summary = "List the timesteps and noise levels of a run",
          .add_options = add_schedule_options};
}

}  // namespace radial::tools
