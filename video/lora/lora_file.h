#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "video/checkpoint/checkpoint_source.h"

namespace radial::video {

/// A LoRA file for a Wan transformer: for some weights W a change
///     alpha / rank * up @ down,      down [rank, in], up [out, rank],
/// or the whole change (`.diff`, `.diff_b`, `.diff_m`). Names may be those of diffusers or the
/// official ones, with the prefixes `transformer.`, `diffusion_model.`, `base_model.model.` or
/// none. alpha is a tensor of the module, or stands in the metadata `lora_adapter_metadata`, or is
/// the rank.
class LoraFile {
 public:
  /// Throws FormatError for a damaged file, a half pair, shapes that do not fit together, a dialect
  /// or a kind of adapter that is not known; names the key.
  static LoraFile open(const std::filesystem::path& path);

  /// Canonical names of the tensors it changes, sorted.
  std::vector<std::string> targets() const;
  /// Smallest and largest rank of its pairs; 0 and 0 if it has none.
  std::pair<std::int64_t, std::int64_t> ranks() const;
  /// The change of the tensor `name` [shape...] in float32, or an undefined tensor if it has none.
  at::Tensor delta(const std::string& name, at::IntArrayRef shape) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Change {
    at::Tensor down, up;  // a pair, or
    at::Tensor whole;     // the change itself
    double alpha = 0;     // 0: the rank
  };

  explicit LoraFile(std::filesystem::path path) : path_(std::move(path)) {}
  void add_tensor(const std::string& key, const at::Tensor& tensor);
  void add_metadata_alphas(const std::string& text);
  void check_pairs() const;
  [[noreturn]] void fail(const std::string& key, const std::string& problem) const;

  std::filesystem::path path_;
  std::map<std::string, Change> changes_;  // by canonical name of the tensor
};

/// A LoRA file and how strongly it is applied.
struct LoraUse {
  std::filesystem::path path;
  double strength = 1;
};

/// Adds LoRA files to the weights that `source` will give; several add up. The sum is formed in
/// float32 and rounded once. Throws FormatError that lists the tensors of a file which the
/// checkpoint lacks.
void apply_loras(CheckpointSource& source, const std::vector<LoraUse>& uses);

}  // namespace radial::video
