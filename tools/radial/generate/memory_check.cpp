#include "generate/memory_check.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "generate/plan.h"
#include "radial/base/error.h"
#include "video/pipeline/memory_need.h"
#include "video/pipeline/system_memory.h"

namespace radial::tools {
namespace {

std::string joined(const std::vector<std::string>& ways) {
  std::string text;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    text += concat(i == 0 ? "" : i + 1 == ways.size() ? " or " : ", ", ways[i]);
  }
  return text;
}

std::optional<std::uint64_t> free_memory(at::Device device) {
  return device.is_cpu() ? video::free_host_memory() : video::free_device_memory(device);
}

std::uint64_t block_bytes(const GenerateRequest& request, const GeneratePlan& plan) {
  return video::transformer_block_bytes(plan.transformer, request.engine.load().dtype);
}

std::uint64_t transformer_work(const GenerateRequest& request, const GeneratePlan& plan) {
  return video::transformer_working_bytes(plan.transformer, request.engine.load().dtype,
                                          plan.attention.layout,
                                          video::is_guided(request.guidance));
}

PartNeed transformer_need(const GenerateRequest& request, const GeneratePlan& plan,
                          const std::vector<std::int64_t>& latents) {
  const at::ScalarType dtype = request.engine.load().dtype;
  PartNeed need{
      .name = "transformer",
      .weights = plan.transformer_size.bytes -
                 static_cast<std::uint64_t>(plan.blocks_to_swap) * block_bytes(request, plan),
      .working = transformer_work(request, plan),
      .device = request.engine.load().device,
      .help = {}};
  const auto text_bytes =
      static_cast<std::uint64_t>(plan.transformer.text_len * plan.transformer.text_dim *
                                 static_cast<std::int64_t>(at::elementSize(dtype)));
  need.working += text_bytes * (plan.jobs.size() - 1);
  if (request.preview_path) {
    need.weights += plan.vae_size.bytes;
    std::vector<std::int64_t> first = latents;
    first[2] = 1;
    need.working =
        std::max(need.working, video::decoder_working_bytes(video::read_vae_config(plan.files),
                                                            dtype, first, request.vae_pass));
  }
  return need;
}

// All blocks that take turns on the device lie in host memory throughout.
PartNeed swapped_need(const GenerateRequest& request, const GeneratePlan& plan) {
  const std::int64_t on_device = plan.transformer.num_layers - plan.blocks_to_swap;
  const std::int64_t taking_turns = plan.blocks_to_swap + std::min<std::int64_t>(2, on_device);
  return {.name = "swapped blocks",
          .weights = static_cast<std::uint64_t>(taking_turns) * block_bytes(request, plan),
          .working = 0,
          .device = at::kCPU,
          .help = "fewer --blocks-to-swap"};
}

}  // namespace

std::int64_t blocks_to_swap(const GenerateRequest& request, const GeneratePlan& plan) {
  if (request.engine.load().device.is_cpu()) return 0;
  std::optional<std::uint64_t> working;
  return request.offload.blocks_to_swap(
      plan.transformer.num_layers, [&](std::int64_t swapped) -> std::uint64_t {
        if (!working) working = transformer_work(request, plan);
        return plan.transformer_size.bytes + *working -
               static_cast<std::uint64_t>(swapped) * block_bytes(request, plan);
      });
}

std::vector<PartNeed> part_needs(const GenerateRequest& request, const GeneratePlan& plan,
                                 const std::vector<std::int64_t>& latents) {
  const video::LoadOptions& load = request.engine.load();
  std::vector<std::string> dtype, smaller{"a smaller --size", "fewer --num-frames"};
  if (load.dtype == at::kFloat) dtype.push_back("--dtype bfloat16");
  const std::int64_t longest = *std::max_element(plan.num_tokens.begin(), plan.num_tokens.end());
  PartNeed text{.name = "text encoder",
                .weights = plan.text_size.bytes,
                .working = video::text_encoder_working_bytes(
                    plan.text_files.config, load.dtype, std::max(longest, plan.negative_tokens)),
                .device = request.engine.text_load().device,
                .help = {}};
  std::vector<std::string> text_ways = dtype;
  if (!text.device.is_cpu()) text_ways.push_back("--t5-cpu");
  text.help = joined(text_ways);
  PartNeed transformer = transformer_need(request, plan, latents);
  std::vector<std::string> ways = dtype;
  ways.insert(ways.end(), smaller.begin(), smaller.end());
  std::vector<std::string> transformer_ways = ways;
  const bool can_offload = plan.blocks_to_swap < blocks_to_offload(plan.transformer.num_layers);
  if (!transformer.device.is_cpu() && can_offload) {
    transformer_ways.insert(transformer_ways.begin(), "--offload-to-cpu");
  }
  transformer.help = joined(transformer_ways);
  if (!request.vae_pass.tiling) ways.insert(ways.begin(), "--vae-tiling");
  PartNeed vae{.name = "VAE",
               .weights = plan.vae_size.bytes,
               .working = video::decoder_working_bytes(video::read_vae_config(plan.files),
                                                       load.dtype, latents, request.vae_pass),
               .device = load.device,
               .help = joined(ways)};
  std::vector<PartNeed> needs{text, transformer, vae};
  for (PartNeed& need : needs) {
    if (!need.device.is_cpu()) need.limit = request.offload.device_limit();
  }
  if (plan.blocks_to_swap > 0) needs.push_back(swapped_need(request, plan));
  return needs;
}

bool is_host_memory_tight(const std::vector<PartNeed>& needs) {
  const auto free = video::free_host_memory();
  return free && std::any_of(needs.begin(), needs.end(), [&](const PartNeed& need) {
           return need.device.is_cpu() && 2 * need.total() > *free;
         });
}

std::string memory_text(std::uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  char text[32];
  if (value < 1e9) {
    std::snprintf(text, sizeof text, "%.1f MB", value / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.1f GB", value / 1e9);
  }
  return text;
}

std::vector<std::string> check_memory(const std::vector<PartNeed>& needs) {
  std::vector<std::string> warnings;
  for (const PartNeed& need : needs) {
    auto free = free_memory(need.device);
    if (!free) continue;
    free = std::min(*free, need.limit);
    const video::Fit fit = video::fit_of(need.total(), *free);
    if (fit == video::Fit::kFits) continue;
    const std::string helps = need.help.empty() ? "" : concat("; ", need.help, " would help");
    const std::string sizes =
        concat(memory_text(need.total()), " for the ", need.name, " (", memory_text(need.weights),
               " of weights, ", memory_text(need.working), " at work)");
    const std::string place = need.device.is_cpu() ? "memory" : need.device.str();
    if (fit == video::Fit::kCannot) {
      throw InvalidArgument(
          concat(place, ": expected ", sizes, " to be free, got ", memory_text(*free), helps));
    }
    warnings.push_back(
        concat(place, ": about ", sizes, " with ", memory_text(*free), " free", helps));
  }
  return warnings;
}

}  // namespace radial::tools
