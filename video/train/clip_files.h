#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "video/train/clip_encoder.h"
#include "video/train/initial_weights.h"

namespace radial::video {

/// A number that tells one VAE's weights and statistics from another's, in hexadecimal.
std::string vae_digest(const WanVaeConfig& config, const NamedTensors& weights);

/// Encoded clips in files: clips_00000.safetensors, ... with `latents` [N, C, F, H, W] bfloat16;
/// metadata say which scenes they are of and which VAE made them. What they show is not written:
/// it follows from the scene's number.
struct ClipFilesOptions {
  std::uint64_t seed = 0;       ///< of the world
  std::int64_t count = 1000;    ///< clips in all
  std::int64_t per_file = 512;  ///< 218 MB at the native size
  std::string vae_digest;
  /// Called after every few clips with their number so far; returns whether to go on.
  std::function<bool(std::int64_t done)> go_on = [](std::int64_t) { return true; };
};
/// Writes them into `folder`, which must exist; files that are there and fit are kept. Every file
/// appears when it is complete. Returns the number of clips in the folder. Throws InvalidArgument
/// for files of other clips, Error if one cannot be written.
std::int64_t write_clip_files(const std::filesystem::path& folder, const ClipEncoder& encoder,
                              const ClipFilesOptions& options);

/// Reads one file of such a folder.
LatentClips read_clip_file(const std::filesystem::path& file, const std::string& vae_digest);
/// The files of a folder in order.
std::vector<std::filesystem::path> clip_files(const std::filesystem::path& folder);

}  // namespace radial::video
