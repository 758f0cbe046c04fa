#include "video/train/clip_files.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/nn/interruption.h"
#include "video/train/clip_source.h"
#include "video/world/counter_random.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLatents = "latents";
constexpr const char* kPrefix = "clips_";

using Metadata = std::map<std::string, std::string>;

Metadata metadata_of(const ClipEncoder& encoder, const ClipFilesOptions& options,
                     std::int64_t first, std::int64_t count) {
  const ClipSize& size = encoder.size();
  return {{"world_seed", std::to_string(options.seed)},
          {"first_scene", std::to_string(first)},
          {"num_scenes", std::to_string(count)},
          {"pixels", concat(size.width, " x ", size.height, " x ", size.num_frames, " at ",
                            size.fps, " fps")},
          {"vae", options.vae_digest}};
}

fs::path file_of(const fs::path& folder, std::int64_t index) {
  char name[64];
  std::snprintf(name, sizeof name, "%s%05lld.safetensors", kPrefix, static_cast<long long>(index));
  return folder / name;
}

std::uint64_t number_of(const Metadata& metadata, const std::string& name, const fs::path& file) {
  const auto found = metadata.find(name);
  std::uint64_t value = 0;
  if (found != metadata.end()) {
    const char* end = found->second.data() + found->second.size();
    if (std::from_chars(found->second.data(), end, value).ptr == end) return value;
  }
  throw FormatError(concat(file.string(), ": expected encoded clips with ", name));
}

void add_bytes(std::uint64_t& hash, const void* data, std::size_t count) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (; count >= 8; bytes += 8, count -= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes, 8);
    hash = CounterRandom::mixed(hash ^ word);
  }
  for (; count > 0; ++bytes, --count) hash = CounterRandom::mixed(hash ^ *bytes);
}

}  // namespace

std::string vae_digest(const WanVaeConfig& config, const NamedTensors& weights) {
  std::uint64_t hash = 0;
  for (const std::vector<double>* values : {&config.latents_mean, &config.latents_std}) {
    add_bytes(hash, values->data(), values->size() * sizeof(double));
  }
  for (const auto& [name, tensor] : weights) {
    const at::Tensor host = tensor.detach().cpu().contiguous();
    add_bytes(hash, name.data(), name.size());
    add_bytes(hash, host.const_data_ptr(), host.nbytes());
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::int64_t write_clip_files(const fs::path& folder, const ClipEncoder& encoder,
                              const ClipFilesOptions& options) {
  RADIAL_REQUIRE(options.count >= 1, "clips: expected at least 1, got ", options.count);
  RADIAL_REQUIRE(options.per_file >= 1, "clips per file: expected at least 1, got ",
                 options.per_file);
  constexpr std::int64_t kTogether = 4;
  const std::int64_t together = encoder.device().is_cpu() ? 1 : kTogether;
  std::int64_t done = 0;
  for (std::int64_t index = 0; done < options.count; ++index) {
    const std::int64_t count = std::min(options.per_file, options.count - done);
    const fs::path file = file_of(folder, index);
    const Metadata metadata = metadata_of(encoder, options, done, count);
    if (fs::exists(file)) {
      RADIAL_REQUIRE(SafetensorsFile::open(file)->metadata() == metadata,
                     "clips: expected a folder without others, got ", file.string());
      done += count;
      continue;
    }
    std::vector<at::Tensor> parts;
    for (std::int64_t in_file = 0; in_file < count; in_file += together) {
      stop_if_requested();
      const std::int64_t some = std::min(together, count - in_file);
      const auto first = static_cast<std::uint64_t>(done + in_file);
      parts.push_back(encoder.encode_training(options.seed, first, some).latents.cpu());
      if (!options.go_on(done + in_file + some) && in_file + some < count) return done;
    }
    save_tensors(file, {{kLatents, at::cat(parts)}}, metadata);
    done += count;
    if (!options.go_on(done)) break;
  }
  return done;
}

std::vector<fs::path> clip_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (std::int64_t index = 0; fs::exists(file_of(folder, index)); ++index) {
    files.push_back(file_of(folder, index));
  }
  return files;
}

LatentClips read_clip_file(const fs::path& file, const std::string& vae_digest) {
  const Metadata metadata = SafetensorsFile::open(file)->metadata();
  const auto vae = metadata.find("vae");
  RADIAL_REQUIRE(vae != metadata.end() && vae->second == vae_digest,
                 "clips: expected those that this VAE encoded, got ", file.string());
  const std::uint64_t seed = number_of(metadata, "world_seed", file);
  const std::uint64_t first = number_of(metadata, "first_scene", file);
  const std::uint64_t count = number_of(metadata, "num_scenes", file);
  const NamedTensors tensors = load_tensors(file);
  const auto latents = tensors.find(kLatents);
  if (latents == tensors.end() || latents->second.dim() != 5 ||
      static_cast<std::uint64_t>(latents->second.size(0)) != count ||
      latents->second.scalar_type() != at::kBFloat16) {
    throw FormatError(concat(file.string(), ": expected bfloat16 latents of ", count, " clips"));
  }
  LatentClips clips{.latents = latents->second, .scenes = {}};
  for (std::uint64_t i = 0; i < count; ++i) {
    clips.scenes.push_back(sample_training_scene(seed, first + i));
  }
  return clips;
}

FileClips::FileClips(const fs::path& folder, const std::string& vae_digest, at::Device device) {
  const std::vector<fs::path> files = clip_files(folder);
  if (files.empty()) throw Error(concat(folder.string(), ": expected files of encoded clips"));
  std::int64_t count = 0;
  std::vector<std::int64_t> shape;
  for (const fs::path& file : files) {
    const auto opened = SafetensorsFile::open(file);
    const TensorEntry* latents = opened->find(kLatents);
    if (latents == nullptr || latents->shape.size() != 5 ||
        (!shape.empty() && !std::ranges::equal(shape, std::span(latents->shape).subspan(1)))) {
      throw FormatError(concat(file.string(), ": expected latents of clips of one size"));
    }
    shape.assign(latents->shape.begin() + 1, latents->shape.end());
    count += latents->shape[0];
  }
  reserve(count, shape, device);
  for (const fs::path& file : files) {
    stop_if_requested();
    add(read_clip_file(file, vae_digest));
  }
}

}  // namespace radial::video
