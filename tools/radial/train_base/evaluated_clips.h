#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "generate/plan.h"
#include "generate/request.h"

namespace radial::tools {

/// The clips of several prompts under one setting of attention, in a folder of their own: clip i of
/// prompt i and of the seed `request.seed + i`. Of each clip the folder has the latents, the video
/// (a picture of some of its frames in a build without libav) and, written last, what was found.
class EvaluatedClips {
 public:
  /// `request` says all but prompt, seed and files. Throws InvalidArgument for everything that is
  /// wrong with it, and if `folder` has clips of other settings or prompts; writes nothing.
  EvaluatedClips(std::filesystem::path folder, const GenerateRequest& request,
                 std::vector<std::string> prompts);

  std::string name() const { return folder_.filename().string(); }
  const GenerateRequest& request() const { return request_; }
  const GeneratePlan& plan() const { return plan_; }
  std::uint64_t seed(std::size_t index) const { return request_.seed + index; }

  /// Makes the folder and says there of what its clips are.
  void begin() const;

  /// `latents` [1, C, F, H, W] and `frames` [F, 3, height, width] in [0, 1] of one clip.
  void keep_clip(std::size_t index, const at::Tensor& latents, const at::Tensor& frames) const;
  at::Tensor latents(std::size_t index) const;

  /// Whether a clip is done.
  bool has_findings(std::size_t index) const;
  void keep_findings(std::size_t index, const nlohmann::ordered_json& findings) const;
  nlohmann::ordered_json findings(std::size_t index) const;

 private:
  std::filesystem::path path(std::size_t index, const std::string& extension) const;
  std::filesystem::path record_path() const { return folder_ / "settings.json"; }

  std::filesystem::path folder_;
  GenerateRequest request_;
  std::vector<std::string> prompts_;
  GeneratePlan plan_;
  std::string settings_;  ///< JSON: all that decides the clips
};

/// Throws Error if it cannot be written.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace radial::tools
