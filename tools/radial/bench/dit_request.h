#pragma once

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/dit_training.h"
#include "options/layout_options.h"
#include "options/rule_options.h"
#include "video/checkpoint/model_config.h"

namespace radial::tools {

/// What `radial bench dit` was asked for.
struct DitRequest {
  LayoutOptions layout;
  RuleOptions rule;
  video::WanConfig config;  // sizes of 14B
  std::string transformer = "wan2.1-14b";
  std::optional<std::int64_t> blocks;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kBFloat16;
  std::optional<std::string> output;
  std::vector<std::string> variants = {"dense", "all-blocks", "masked"};
  int rounds = 3;
  std::uint64_t seed = 1;
  bool training_step = false, fused_gradients = false;
  TrainingOptions training;
  bool cuda_graph = false;
  bool json = false;
};

/// Adds every option of the command.
void add_dit_request_options(CLI::App& app, const std::shared_ptr<DitRequest>& request);

}  // namespace radial::tools
