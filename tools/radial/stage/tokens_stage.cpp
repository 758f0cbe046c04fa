#include <ATen/ops/tensor.h>

#include <cstdio>
#include <memory>
#include <string>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/output_path.h"
#include "stage/stages.h"
#include "video/text/prompt_cleaning.h"
#include "video/text/tokenizer.h"

namespace radial::tools {
namespace {

struct TokensRequest {
  EngineOptions engine;
  std::string prompt;
  std::string tokenizer = "tokenizer";
  std::int64_t max_length = 512;
  std::string save_path;
};

int run_tokens(const TokensRequest& request) {
  require_output_path("--save", request.save_path);
  const video::Tokenizer tokenizer =
      video::Tokenizer::open(request.engine.model() / request.tokenizer);
  const video::Tokens tokens =
      tokenizer.encode(video::clean_prompt(request.prompt), request.max_length);
  video::save_tensors(request.save_path, {{"ids", at::tensor(tokens.ids, at::kLong)}});
  std::printf("%lld tokens%s\n", static_cast<long long>(tokens.num_tokens),
              tokens.is_cut ? ", the prompt was cut to fit" : "");
  return kSuccess;
}

std::function<int()> add_tokens_options(CLI::App& app) {
  auto request = std::make_shared<TokensRequest>();
  request->engine.add_to(app);
  OptionGroup group(app, "Tokens");
  group.add_value(
      "--prompt,-p", "TEXT", [request](const std::string& text) { request->prompt = text; },
      "The text, cleaned before it is split; default: empty");
  group.add_value(
      "--tokenizer", "FOLDER", [request](const std::string& text) { request->tokenizer = text; },
      "The tokenizer's folder inside the model; default: tokenizer");
  group.add_value(
      "--max-length", "N",
      [request](const std::string& text) {
        request->max_length = parse_integer("--max-length", text, {.least = 1, .most = 1 << 20});
      },
      "Tokens after padding; default: 512");
  group.add_value(
      "--save", "FILE", [request](const std::string& text) { request->save_path = text; },
      "Write ids, int64 [max-length]");
  return [request] { return run_tokens(*request); };
}

}  // namespace

Command tokens_stage() {
  return {.name = "tokens",
          .summary = "Split a prompt into token numbers",
          .add_options = add_tokens_options};
}

}  // namespace radial::tools
