#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "video/checkpoint/checkpoint_source.h"
#include "video/lora/lora_file.h"

namespace radial::tools {

/// `--model --dtype --device`: what every command of the engine takes.
class EngineOptions {
 public:
  void add_to(CLI::App& app);

  /// The model's folder. Throws InvalidArgument if the option was not given or names no folder.
  std::filesystem::path model() const;
  /// `--lora FILE[:STRENGTH]`, for commands that run the transformer.
  void add_lora_to(CLI::App& app);
  const std::vector<video::LoraUse>& loras() const { return loras_; }

  /// Element type and device of the weights; float32 on the CPU unless said otherwise.
  const video::LoadOptions& load() const { return load_; }

 private:
  std::string model_;
  video::LoadOptions load_;
  std::vector<video::LoraUse> loras_;
};

/// Element type and device by name: "bfloat16", "cuda:1".
at::ScalarType parse_scalar_type(std::string_view option, std::string_view text);
at::Device parse_device(std::string_view option, std::string_view text);
/// "FILE" or "FILE:STRENGTH"; the file must exist.
video::LoraUse parse_lora(std::string_view option, std::string_view text);

}  // namespace radial::tools
