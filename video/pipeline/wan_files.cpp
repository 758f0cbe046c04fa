#include "video/pipeline/wan_files.h"

#include <nlohmann/json.hpp>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr double kPublishedShift = 5.0;

std::optional<fs::path> if_exists(const fs::path& path) {
  if (!fs::exists(path)) return {};
  return path;
}

std::optional<fs::path> config_beside(const fs::path& weights) {
  const fs::path folder = fs::is_directory(weights) ? weights : weights.parent_path();
  return if_exists(folder / "config.json");
}

// The config.json beside the weights, if it is that of a network of this class.
std::optional<fs::path> config_of_class(const fs::path& weights, const std::string& name) {
  const std::optional<fs::path> path = config_beside(weights);
  if (!path) return {};
  const nlohmann::json config = parse_json_object(read_text_file(path->string()), path->string());
  return config.value("_class_name", "") == name ? path : std::nullopt;
}

bool has_vae(const fs::path& folder) {
  return fs::is_directory(folder / "vae") || fs::exists(folder / "Wan2.1_VAE.safetensors") ||
         fs::exists(folder / "Wan2.1_VAE.pth");
}

}  // namespace

ModelLocation locate_model(const fs::path& model) {
  if (fs::is_directory(model)) return {model, {}};
  RADIAL_REQUIRE(fs::is_regular_file(model),
                 "--model: expected the folder of a model or its transformer's file, got '",
                 model.string(), "', which does not exist");
  const fs::path folder = fs::absolute(model).parent_path();
  for (const fs::path& candidate : {folder, folder.parent_path()}) {
    if (has_vae(candidate)) return {candidate, model};
  }
  throw InvalidArgument(concat(
      "--model: expected a transformer's file with the VAE and the text encoder beside it or "
      "one folder up, got '",
      model.string(), "'"));
}

WanFiles find_wan_files(const fs::path& model, const std::optional<fs::path>& maybe_transformer,
                        const std::optional<fs::path>& maybe_vae) {
  RADIAL_REQUIRE(fs::is_directory(model), "model: expected a folder, got '", model.string(), "'");
  WanFiles files;
  const bool in_parts = fs::is_directory(model / "transformer");
  files.transformer = in_parts ? model / "transformer" : model;
  files.transformer_config = config_beside(files.transformer);
  if (maybe_transformer && !maybe_transformer->empty()) {
    RADIAL_REQUIRE(fs::exists(*maybe_transformer), "diffusion model: expected a file, got '",
                   maybe_transformer->string(), "', which does not exist");
    files.transformer = *maybe_transformer;
    if (const auto own = config_beside(files.transformer)) files.transformer_config = own;
  }
  const bool has_vae_folder = fs::is_directory(model / "vae");
  files.vae = has_vae_folder ? model / "vae" : model / "Wan2.1_VAE.safetensors";
  // Opening the pickle file says how to convert it.
  if (!fs::exists(files.vae) && fs::exists(model / "Wan2.1_VAE.pth")) {
    files.vae = model / "Wan2.1_VAE.pth";
  }
  if (has_vae_folder) files.vae_config = if_exists(model / "vae" / "config.json");
  if (maybe_vae) {
    files.vae = *maybe_vae;
    if (const auto own = config_of_class(files.vae, "AutoencoderKLWan")) files.vae_config = own;
  }
  files.scheduler_config = if_exists(model / "scheduler" / "scheduler_config.json");
  return files;
}

WanConfig read_transformer_config(const WanFiles& files) {
  if (!files.transformer_config) {
    const bool is_folder = fs::is_directory(files.transformer);
    throw Error(concat(files.transformer.string(),
                       is_folder
                           ? ": expected a transformer, in the folder transformer or with its "
                             "config.json here, found neither"
                           : ": expected a config.json beside the weights"));
  }
  const std::string path = files.transformer_config->string();
  return parse_wan_config(read_text_file(path), path);
}

WanVaeConfig read_vae_config(const WanFiles& files) {
  if (!files.vae_config) return official_wan_vae_config();
  const std::string path = files.vae_config->string();
  return parse_wan_vae_config(read_text_file(path), path);
}

double read_flow_shift(const WanFiles& files) {
  if (!files.scheduler_config) return kPublishedShift;
  const std::string path = files.scheduler_config->string();
  const nlohmann::json config = parse_json_object(read_text_file(path), path);
  for (const char* key : {"flow_shift", "shift"}) {
    const auto value = config.find(key);
    if (value == config.end()) continue;
    if (!value->is_number()) throw FormatError(concat(path, ": ", key, ": expected a number"));
    return value->get<double>();
  }
  return kPublishedShift;
}

WanTransformer load_transformer(const WanFiles& files, const LoadOptions& options,
                                const std::vector<LoraUse>& loras, std::int64_t blocks_to_swap) {
  const WanConfig config = read_transformer_config(files);
  CheckpointSource source(Checkpoint::open(files.transformer), PartKind::kWanTransformer, options);
  apply_loras(source, loras);
  WanTransformer model(config, source, blocks_to_swap);
  source.finish();
  return model;
}

WanVae load_vae(const WanFiles& files, const LoadOptions& options) {
  const WanVaeConfig config = read_vae_config(files);
  CheckpointSource source(Checkpoint::open(files.vae), PartKind::kWanVae, options);
  WanVae vae(config, source);
  source.finish();
  return vae;
}

}  // namespace radial::video
