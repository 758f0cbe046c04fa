#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "generate/request.h"

namespace radial::tools {

/// The clips of several prompts under one setting of attention, in a folder of their own: clip i of
/// prompt i and of the seed `request.seed + i`. A clip that is there is not made again.
class EvaluatedClips {
 public:
  /// `request` says all but prompt, seed and files. Throws InvalidArgument for everything that is
  /// wrong with it, and if `folder` has clips of other settings or prompts; writes nothing.
  EvaluatedClips(std::filesystem::path folder, const GenerateRequest& request,
                 std::vector<std::string> prompts);

  std::uint64_t seed(std::size_t index) const { return request_.seed + index; }
  /// Makes what is missing, with a line on stderr for each clip unless the request is quiet.
  /// Returns an exit code.
  int make() const;
  /// Of a clip that was made: [F, 3, H, W] in [0, 1].
  at::Tensor frames(std::size_t index) const;

 private:
  GenerateRequest request_of(std::size_t index) const;
  std::filesystem::path path(std::size_t index, const std::string& extension) const;
  std::filesystem::path record_path() const { return folder_ / "settings.json"; }

  std::filesystem::path folder_;
  GenerateRequest request_;
  std::vector<std::string> prompts_;
  std::string settings_;  ///< JSON: all that decides the clips
};

/// Throws Error if it cannot be written.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace radial::tools
