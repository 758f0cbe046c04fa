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

std::filesystem::path EngineOptions::model() const {
  if (model_.empty()) refuse("--model", "the folder of a model", "nothing");
  if (!std::filesystem::is_directory(model_)) refuse("--model", "the folder of a model", model_);
  return model_;
}

}  // namespace radial::tools
