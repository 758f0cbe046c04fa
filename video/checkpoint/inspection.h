#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "video/checkpoint/model_part.h"

namespace radial::video {

/// What is known of a LoRA file from its names and shapes.
struct LoraFacts {
  std::int64_t least_rank = 0, greatest_rank = 0;
  std::map<std::string, int> targets;  ///< last words of the modules' names, and how many of each
};

/// What a file or folder of weights is.
struct WeightFacts {
  std::filesystem::path path;
  std::string problem;  ///< why it cannot be read; then nothing below is known
  bool is_pickle = false;
  std::optional<PartKind> kind;
  std::optional<Layout> layout;
  std::optional<LoraFacts> lora;
  std::int64_t num_files = 0, num_tensors = 0, num_parameters = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::int64_t> parameters_of_type;  ///< "BF16" and how many elements
  std::map<std::string, std::string> metadata;
};

/// A part of a model folder: `problem` of its weights says if it is missing.
struct PartFacts {
  std::string name;  ///< "transformer", "vae", ...
  bool is_present = false;
  std::optional<WeightFacts> weights;  ///< of parts that have any
};

/// Either weights alone or the parts of a model's folder.
struct Inspection {
  std::filesystem::path path;
  std::optional<WeightFacts> weights;
  std::optional<Layout> folder_layout;
  std::vector<PartFacts> parts;
};

/// Looks at a file or folder without loading a tensor. Throws Error only if `path` does not exist;
/// damage is reported as a `problem`.
Inspection inspect(const std::filesystem::path& path);

/// Whether every file could be read and no part is missing.
bool is_complete(const Inspection& inspection);

}  // namespace radial::video
