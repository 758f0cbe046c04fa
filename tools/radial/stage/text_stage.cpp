#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/output_path.h"
#include "stage/stages.h"
#include "video/text/prompt_encoder.h"
#include "video/text/text_files.h"

namespace radial::tools {
namespace {

constexpr std::int64_t kDefaultTextLength = 512;

struct TextRequest {
  EngineOptions engine;
  std::string prompt;
  std::optional<std::string> negative_prompt;
  std::int64_t text_length = kDefaultTextLength;
  std::string save_path;
};

int run_text(const TextRequest& request) {
  require_output_path("--save", request.save_path);
  const video::TextFiles files = video::find_text_files(request.engine.model());
  const c10::InferenceMode no_gradients;
  const video::Tokenizer tokenizer = video::Tokenizer::open(files.tokenizer);
  video::CheckpointSource source(video::Checkpoint::open(files.encoder), video::PartKind::kUmt5,
                                 request.engine.load());
  const video::Umt5Encoder encoder(files.config, source);
  std::map<std::string, at::Tensor> tensors;
  const auto encode = [&](const std::string& name, const std::string& prompt) {
    const video::EncodedPrompt encoded = video::encode_prompt(
        tokenizer, encoder, prompt, request.text_length, request.engine.load().device);
    tensors[name] = encoded.embeds;
    std::printf("%s: %lld tokens%s\n", name.c_str(), static_cast<long long>(encoded.num_tokens),
                encoded.is_cut ? ", the prompt was cut to fit" : "");
  };
  encode("prompt_embeds", request.prompt);
  if (request.negative_prompt) encode("negative_prompt_embeds", *request.negative_prompt);
  video::save_tensors(request.save_path, tensors);
  return kSuccess;
}

std::function<int()> add_text_options(CLI::App& app) {
  auto request = std::make_shared<TextRequest>();
  request->engine.add_to(app);
  OptionGroup group(app, "Text");
  group.add_value(
      "--prompt,-p", "TEXT", [request](const std::string& text) { request->prompt = text; },
      "The text to encode; default: empty");
  group.add_value(
      "--negative-prompt,-n", "TEXT",
      [request](const std::string& text) { request->negative_prompt = text; },
      "Encode this one, too; it may be empty");
  group.add_value(
      "--text-length", "N",
      [request](const std::string& text) {
        request->text_length = parse_integer("--text-length", text, {.least = 1, .most = 4096});
      },
      "Rows after padding; default: 512");
  group.add_value(
      "--save", "FILE", [request](const std::string& text) { request->save_path = text; },
      "Write prompt_embeds and negative_prompt_embeds [1, text-length, width]");
  return [request] { return run_text(*request); };
}

}  // namespace

Command text_stage() {
  return {.name = "text",
          .summary = "Encode a prompt as the transformer takes it",
          .add_options = add_text_options};
}

}  // namespace radial::tools
