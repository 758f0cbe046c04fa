#include "options/engine_options.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <dlfcn.h>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

constexpr const char* kShippedModel = "models/demo";

// models/demo beside the command (share/radial/models/demo where it is installed) or beside one of
// the folders above it, such as the repository's root above build/release; once it is whole.
std::optional<std::filesystem::path> shipped_model() {
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (int up = 0; up < 4 && folder.has_relative_path(); ++up) {
    folder = folder.parent_path();
    for (const auto& place : {folder / kShippedModel, folder / "share/radial" / kShippedModel}) {
      if (std::filesystem::is_directory(place / "transformer", ignored)) return place;
    }
  }
  return {};
}

// torch's CUDA library, which the command does not name as needed, so that it starts quickly and
// also runs beside a torch without it. Before torch is used: it asks but once for what is there.
void load_torch_cuda() {
  static const void* const library = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  static_cast<void>(library);
}

}  // namespace

at::ScalarType parse_scalar_type(std::string_view option, std::string_view text) {
  if (text == "float32" || text == "fp32") return at::kFloat;
  if (text == "bfloat16" || text == "bf16") return at::kBFloat16;
  if (text == "float16" || text == "fp16") return at::kHalf;
  refuse(option, "float32, bfloat16 or float16", text);
}

at::Device parse_device(std::string_view option, std::string_view text) {
  if (text == "cpu") return at::kCPU;
  if (text.starts_with("cuda")) load_torch_cuda();
  if (text == "cuda") return {at::kCUDA, 0};
  if (text.starts_with("cuda:")) {
    const std::int64_t index = parse_integer(option, text.substr(5), {.least = 0, .most = 127});
    return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
  }
  refuse(option, "cpu, cuda or cuda:N", text);
}

void require_device(std::string_view option, at::Device device) {
  if (device.is_cpu()) return;
  if (!at::globalContext().hasCUDA()) {
    refuse(option, "cpu (torch finds no GPU here)", device.str());
  }
  if (device.index() >= at::accelerator::deviceCount()) {
    refuse(option, concat("a number below ", int{at::accelerator::deviceCount()}), device.str());
  }
}

double parse_strength(std::string_view option, std::string_view text) {
  constexpr double kMost = 1e6;
  std::string number(text);
  const bool negative = number.starts_with('-');
  if (negative) number.erase(0, 1);
  const double size = number == "0" ? 0 : parse_number(option, number, 0, kMost);
  return negative ? -size : size;
}

video::LoraUse parse_lora(std::string_view option, std::string_view text) {
  video::LoraUse use{.path = text, .strength = 1};
  const std::size_t colon = text.rfind(':');
  if (!std::filesystem::exists(use.path) && colon != std::string_view::npos) {
    use.path = text.substr(0, colon);
    use.strength = parse_strength(option, text.substr(colon + 1));
  }
  if (!std::filesystem::is_regular_file(use.path)) refuse(option, "a LoRA file", text);
  return use;
}

void EngineOptions::add_to(CLI::App& app) {
  OptionGroup group(app, "Model");
  group.add_value(
      "--model,--ckpt-dir,--model-path,--model-id,--model-base", "PATH",
      [this](const std::string& text) { model_ = text; },
      "The model: a folder in the layout of diffusers or of its authors, or its transformer's "
      "file; "
      "default: the shipped models/demo");
  group.add_value(
      "--dtype", "TYPE",
      [this](const std::string& text) { load_.dtype = parse_scalar_type("--dtype", text); },
      "float32 (default), bfloat16 or float16");
  group.add_value(
      "--device", "DEVICE",
      [this](const std::string& text) { load_.device = parse_device("--device", text); },
      "cpu (default), cuda or cuda:N");
}

void EngineOptions::add_lora_to(CLI::App& app) {
  OptionGroup group(app, "Model");
  group.add_repeated(
      "--lora,--lora-path,--lora-weight", "FILE[:STRENGTH]",
      [this](const std::string& text) { loras_.push_back(parse_lora("--lora", text)); },
      "A LoRA added to the transformer's weights, 1 times unless said otherwise; repeatable");
  // Values are taken option by option in the order of their definition: the files are known here.
  group.add_repeated(
      "--lora-strength,--lora-multiplier", "X",
      [this](const std::string& text) {
        if (num_strengths_ == loras_.size()) {
          refuse("--lora-strength", concat("one for each --lora, ", loras_.size(), " in all"),
                 text);
        }
        loras_[num_strengths_++].strength = parse_strength("--lora-strength", text);
      },
      "Strength of the first --lora, then of the second and so on");
}

void EngineOptions::add_parts_to(CLI::App& app) {
  OptionGroup group(app, "Model");
  const auto add_part = [&](const std::string& names, const std::string& option,
                            std::optional<std::filesystem::path>& part, const std::string& help) {
    group.add_value(
        names, "PATH",
        [&part, option](const std::string& text) {
          if (!std::filesystem::exists(text)) refuse(option, "a file or folder that exists", text);
          part = text;
        },
        help);
  };
  add_part("--vae,--vae-path", "--vae", vae_,
           "Another VAE: a file, or a folder with its config.json");
  add_part("--t5xxl,--t5,--text-encoder", "--t5xxl", text_encoder_,
           "Another text encoder: a file, or a folder with its config.json");
  group.add_flag(
      "--t5-cpu", [this] { text_on_cpu_ = true; },
      "Run the text encoder on the CPU, whatever --device is");
}

video::LoadOptions EngineOptions::text_load() const {
  video::LoadOptions load = load_;
  if (text_on_cpu_) load.device = at::kCPU;
  return load;
}

video::ModelLocation EngineOptions::location() const {
  if (!model_.empty()) return video::locate_model(model_);
  if (const auto shipped = shipped_model()) return {*shipped, {}};
  throw InvalidArgument(concat("--model: expected the folder of a Wan2.1 text-to-video model (the ",
                               "default, ", kShippedModel, ", is not installed), got nothing"));
}

std::filesystem::path EngineOptions::model() const { return location().folder; }

std::optional<std::filesystem::path> EngineOptions::model_if_there() const {
  try {
    return model();
  } catch (const InvalidArgument&) {
    return {};
  }
}

std::string EngineOptions::transformer_or(const std::optional<std::string>& maybe_other) const {
  if (maybe_other) return *maybe_other;
  const auto named = location().transformer;
  return named ? named->string() : std::string();
}

}  // namespace radial::tools
