#pragma once

#include <cstdint>
#include <vector>

#include "generate/jobs.h"
#include "generate/memory_check.h"
#include "video/pipeline/part_check.h"
#include "video/pipeline/run_state.h"
#include "video/pipeline/wan_cost.h"

namespace radial::tools {

/// What a run does, worked out before anything large is loaded.
struct GeneratePlan {
  std::vector<GenerateJob> jobs;
  std::filesystem::path model;
  video::WanFiles files;
  video::WanConfig transformer;
  video::TextFiles text_files;
  video::PartSize text_size, transformer_size, vae_size;
  std::vector<std::int64_t> num_tokens;  ///< of each prompt
  std::int64_t negative_tokens = 0;      ///< of the negative prompt, if the guidance needs it
  std::vector<bool> is_cut;              ///< whether a prompt was longer than fits
  double flow_shift = 0;
  video::NoiseSchedule schedule;
  video::SamplingMethod method;
  video::ResolvedAttention attention;
  video::WanCost pass_cost;         ///< of one dense forward pass
  std::int64_t blocks_to_swap = 0;  ///< of the transformer, to host memory
  std::vector<PartNeed> needs;
  std::vector<std::string> memory_warnings;
  at::Tensor noise;

  double density() const;  ///< of the plan; 1 if attention is dense
  int passes_per_step(double guidance) const { return video::is_guided(guidance) ? 2 : 1; }
  double step_cost(int step) const;    ///< of one pass at a step, in operations
  double saving_in_attention() const;  ///< of the run's self-attention, 0 to 1
  double saving_in_run() const;        ///< of all the transformer's work
};

/// Throws InvalidArgument for everything that is wrong with the request, damaged files included.
GeneratePlan plan_run(const GenerateRequest& request);

/// What decides the latents of a job.
video::RunSettings run_settings(const GenerateRequest& request, const GeneratePlan& plan,
                                const GenerateJob& job);

}  // namespace radial::tools
