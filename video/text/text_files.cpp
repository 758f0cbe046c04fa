#include "video/text/text_files.h"

#include <nlohmann/json.hpp>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOfficialEncoder = "models_t5_umt5-xxl-enc-bf16";

void require_part(const fs::path& part, const char* what) {
  if (!fs::exists(part)) {
    throw FormatError(concat(part.string(), ": the ", what, " of the model is missing"));
  }
}

// The config.json beside an encoder's weights, unless it is that of another network.
std::optional<Umt5Config> config_of_encoder(const fs::path& weights) {
  const fs::path folder = fs::is_directory(weights) ? weights : weights.parent_path();
  const std::string path = (folder / "config.json").string();
  if (!fs::exists(path)) return {};
  const std::string text = read_text_file(path);
  if (!parse_json_object(text, path).contains("d_kv")) return {};
  return parse_umt5_config(text, path);
}

}  // namespace

TextFiles find_text_files(const fs::path& model, const std::optional<fs::path>& maybe_encoder) {
  RADIAL_REQUIRE(fs::is_directory(model), "model: expected a folder, got ", model.string());
  TextFiles files;
  if (fs::is_directory(model / "text_encoder")) {
    files.encoder = model / "text_encoder";
    files.tokenizer = model / "tokenizer";
    const std::string config = (files.encoder / "config.json").string();
    files.config = parse_umt5_config(read_text_file(config), config);
  } else if (maybe_encoder) {
    files.tokenizer = model / "google" / "umt5-xxl";
  } else {
    files.encoder = model / concat(kOfficialEncoder, ".safetensors");
    files.tokenizer = model / "google" / "umt5-xxl";
    if (!fs::exists(files.encoder) && fs::exists(model / concat(kOfficialEncoder, ".pth"))) {
      throw FormatError(concat(model.string(),
                               ": the text encoder is a pickle file; make a "
                               "safetensors file of it by: radial convert ",
                               kOfficialEncoder, ".pth ", kOfficialEncoder, ".safetensors"));
    }
  }
  if (maybe_encoder) {
    files.encoder = *maybe_encoder;
    if (const auto own = config_of_encoder(files.encoder)) files.config = *own;
  }
  require_part(files.encoder, "text encoder");
  require_part(files.tokenizer, "tokenizer");
  return files;
}

}  // namespace radial::video
