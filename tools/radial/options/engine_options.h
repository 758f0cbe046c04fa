#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "video/checkpoint/checkpoint_source.h"
#include "video/lora/lora_file.h"
#include "video/pipeline/wan_files.h"

namespace radial::tools {

/// `--model --dtype --device`: what every command of the engine takes.
class EngineOptions {
 public:
  void add_to(CLI::App& app);

  /// The model's folder. Throws InvalidArgument if the option names no model, or was not given and
  /// no model is shipped.
  std::filesystem::path model() const;
  /// The same; nothing where model() throws.
  std::optional<std::filesystem::path> model_if_there() const;
  /// The transformer to use instead of the folder's: `maybe_other`, else the file that --model
  /// names; empty if it is the folder's own.
  std::string transformer_or(const std::optional<std::string>& maybe_other) const;
  /// `--lora FILE[:STRENGTH] --lora-strength X`, for commands that run the transformer.
  void add_lora_to(CLI::App& app);
  const std::vector<video::LoraUse>& loras() const { return loras_; }

  /// `--vae --t5xxl`: parts to use instead of the folder's; `--t5-cpu`.
  void add_parts_to(CLI::App& app);
  const std::optional<std::filesystem::path>& vae() const { return vae_; }
  const std::optional<std::filesystem::path>& text_encoder() const { return text_encoder_; }
  bool text_on_cpu() const { return text_on_cpu_; }
  /// As load(), for the text encoder.
  video::LoadOptions text_load() const;

  /// Element type and device of the weights; float32 on the CPU unless said otherwise.
  const video::LoadOptions& load() const { return load_; }

 private:
  video::ModelLocation location() const;

  std::string model_;
  video::LoadOptions load_;
  std::vector<video::LoraUse> loras_;
  std::size_t num_strengths_ = 0;
  std::optional<std::filesystem::path> vae_, text_encoder_;
  bool text_on_cpu_ = false;
};

/// Element type and device by name: "bfloat16", "cuda:1".
at::ScalarType parse_scalar_type(std::string_view option, std::string_view text);
at::Device parse_device(std::string_view option, std::string_view text);
/// Throws InvalidArgument if torch does not find the device.
void require_device(std::string_view option, at::Device device);
/// "FILE" or "FILE:STRENGTH"; the file must exist.
video::LoraUse parse_lora(std::string_view option, std::string_view text);

}  // namespace radial::tools
