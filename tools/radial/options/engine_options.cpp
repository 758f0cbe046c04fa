#include "options/engine_options.h"

#include "options/option_values.h"

namespace radial::tools {

at::ScalarType parse_scalar_type(std::string_view option, std::string_view text) {
  if (text == "float32" || text == "fp32") return at::kFloat;
  if (text == "bfloat16" || text == "bf16") return at::kBFloat16;
  if (text == "float16" || text == "fp16") return at::kHalf;
  refuse(option, "float32, bfloat16 or float16", text);
}

at::Device parse_device(std::string_view option, std::string_view text) {
  if (text == "cpu") return at::kCPU;
  if (text == "cuda") return {at::kCUDA, 0};
  if (text.starts_with("cuda:")) {
    const std::int64_t index = parse_integer(option, text.substr(5), {.least = 0, .most = 127});
    return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
  }
  refuse(option, "cpu, cuda or cuda:N", text);
}

video::LoraUse parse_lora(std::string_view option, std::string_view text) {
  constexpr double kMost = 1e6;
  video::LoraUse use{.path = text, .strength = 1};
  const std::size_t colon = text.rfind(':');
  if (!std::filesystem::exists(use.path) && colon != std::string_view::npos) {
    std::string number(text.substr(colon + 1));
    const bool negative = number.starts_with('-');
    if (negative) number.erase(0, 1);
    use.path = text.substr(0, colon);
    use.strength = number == "0" ? 0 : parse_number(option, number, 0, kMost);
    if (negative) use.strength = -use.strength;
  }
  if (!std::filesystem::is_regular_file(use.path)) refuse(option, "a LoRA file", text);
  return use;
}

void EngineOptions::add_to(CLI::App& app) {
  OptionGroup group(app, "Model");
  group.add_value(
      "--model,--ckpt-dir,--model-path", "FOLDER",
      [this](const std::string& text) { model_ = text; },
      "The model, in the layout of diffusers or of its authors");
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
  OptionGroup(app, "Model")
      .add_repeated(
          "--lora", "FILE[:STRENGTH]",
          [this](const std::string& text) { loras_.push_back(parse_lora("--lora", text)); },
          "A LoRA added to the transformer's weights, 1 times unless said otherwise; repeatable");
}

std::filesystem::path EngineOptions::model() const {
  if (model_.empty()) refuse("--model", "the folder of a model", "nothing");
  if (!std::filesystem::is_directory(model_)) refuse("--model", "the folder of a model", model_);
  return model_;
}

}  // namespace radial::tools
