#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <vector>

#include "generate/config_file.h"
#include "generate/request.h"
#include "options/option_values.h"
#include "options/stop_signals.h"
#include "radial/base/error.h"
#include "train_base/clip_maker.h"
#include "train_base/evaluation.h"
#include "train_base/evaluation_report.h"
#include "train_base/parts.h"
#include "video/checkpoint/json_text.h"
#include "video/nn/interruption.h"
#include "video/world/judge.h"
#include "video/world/judge/clip_pixels.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostPrompts = video::kMaxHeldOutPrompts;
constexpr std::size_t kBatchOnGpu = 8;
constexpr const char* kSweepLayers = "--sweep-dense-layers";
constexpr const char* kSweepSteps = "--sweep-dense-timesteps";

struct EvaluateRequest {
  GenerateRequest clips;
  std::string prompts = "20", out;
  std::optional<std::string> compare;
  std::vector<int> dense_layers, dense_steps;  ///< to compare; empty: as the clips' options say
  std::optional<std::size_t> batch_size;
  CLI::App no_attention;  ///< holds the options of dense attention, none of which is given
};

std::vector<EvaluatedPrompt> prompts_of(const std::string& value) {
  std::vector<EvaluatedPrompt> prompts;
  if (!fs::is_regular_file(value)) {
    const bool is_number = value.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number) refuse("--prompts", "a number or a file that exists", value);
    const std::int64_t count = parse_integer("--prompts", value, {1, kMostPrompts});
    for (video::HeldOutPrompt& each : video::held_out_prompts(static_cast<int>(count))) {
      prompts.push_back({std::move(each.text), std::move(each.facts)});
    }
    return prompts;
  }
  std::istringstream lines(video::read_text_file(value));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    line = line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
    try {
      prompts.push_back({line, video::parse_caption(line)});
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(concat("--prompts: line ", in_quotes(line), ": ", error.what()));
    }
  }
  if (prompts.empty()) refuse("--prompts", "a file with a prompt on a line", value);
  return prompts;
}

// "0,2,5", each once.
std::vector<int> parse_counts(const char* option, const std::string& text) {
  std::vector<int> counts;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto count = static_cast<int>(parse_integer(option, part, {.least = 0, .most = 1000}));
    if (std::find(counts.begin(), counts.end(), count) != counts.end()) {
      refuse(option, "each count once", text);
    }
    counts.push_back(count);
  }
  if (counts.empty()) refuse(option, "counts such as 0,2,5", text);
  return counts;
}

void check(const EvaluateRequest& request) {
  if (request.out.empty()) refuse("--out", "a folder", "");
  const fs::path out = request.out;
  if (fs::exists(out) && !fs::is_directory(out)) refuse("--out", "a folder", request.out);
  const GenerateRequest& clips = request.clips;
  const std::int64_t fewest = video::fewest_judged_frames(clips.fps);
  if (clips.size.num_frames < fewest) {
    refuse("--num-frames", concat("at least ", fewest, " to be judged at ", clips.fps, " a second"),
           std::to_string(clips.size.num_frames));
  }
  for (const auto& [option, side] :
       {std::pair{"--width", clips.size.width}, std::pair{"--height", clips.size.height}}) {
    if (side >= video::kShortestJudgedSide) continue;
    refuse(option, concat("at least ", video::kShortestJudgedSide, " pixels to be judged"),
           std::to_string(side));
  }
  if (request.compare) return;
  for (const auto& [option, counts] : {std::pair{kSweepLayers, &request.dense_layers},
                                       std::pair{kSweepSteps, &request.dense_steps}}) {
    if (!counts->empty()) throw InvalidArgument(concat(option, ": expected with --compare"));
  }
}

// Counts to go through, or one that leaves things as they are.
std::vector<std::optional<int>> choices_of(const std::vector<int>& counts) {
  if (counts.empty()) return {std::nullopt};
  return {counts.begin(), counts.end()};
}

std::string compared_name(const std::optional<int>& layers, const std::optional<int>& steps) {
  std::string name;
  if (layers) name += concat("_layers_", *layers);
  if (steps) name += concat("_steps_", *steps);
  return name.empty() ? "compared" : "dense" + name;
}

// Under the rule to compare, whose option is to be set.
void add_compared(CLI::Option& rule, const EvaluateRequest& request,
                  const std::vector<std::string>& texts, std::vector<EvaluatedClips>& settings) {
  try {
    rule.add_result(*request.compare);
    rule.run_callback();
    for (const auto& layers : choices_of(request.dense_layers)) {
      for (const auto& steps : choices_of(request.dense_steps)) {
        GenerateRequest clips = request.clips;
        clips.attention.stay_dense(layers, steps);
        settings.emplace_back(fs::path(request.out) / compared_name(layers, steps), clips, texts);
      }
    }
  } catch (const InvalidArgument& error) {
    const std::string text = error.what();
    const bool is_rule = text.starts_with("--rule:") || text.starts_with("--attention:");
    throw InvalidArgument(is_rule ? "--compare" + text.substr(text.find(':')) : text);
  }
}

// The clips of one setting, or of several: dense, and under the rule to compare.
std::vector<EvaluatedClips> settings_of(CLI::App& app, EvaluateRequest& request,
                                        const std::vector<EvaluatedPrompt>& prompts) {
  std::vector<std::string> texts;
  for (const EvaluatedPrompt& prompt : prompts) texts.push_back(prompt.text);
  std::vector<EvaluatedClips> settings;
  const fs::path out = request.out;
  if (!request.compare) {
    settings.emplace_back(out / "clips", request.clips, texts);
    return settings;
  }
  CLI::Option* const rule = app.get_option("--rule");
  if (rule->count() > 0) {
    throw InvalidArgument("--compare and --attention: expected one of them, got both");
  }
  GenerateRequest dense = request.clips;
  dense.attention = {};
  dense.attention.add_to(request.no_attention);
  settings.emplace_back(out / "dense", dense, texts);
  add_compared(*rule, request, texts, settings);
  return settings;
}

// The options of `radial generate`, but for what follows from the prompts and for its files.
void add_clip_options(CLI::App& app, GenerateRequest& clips) {
  clips.width = clips.height = 256;
  clips.size.num_frames = 49;
  add_request_options(app, clips);
  for (const char* name : {"--prompt", "--prompts-file", "--latents", "--save-latents",
                           "--save-frames", "--output", "--keep-every", "--resume", "--preview",
                           "--preview-interval", "--print-mask-stats", "--dry-run", "--json"}) {
    app.remove_option(app.get_option(name));
  }
  app.get_option("--width")->description("Width in pixels; default 256");
  app.get_option("--height")->description("Height in pixels; default 256");
  app.get_option("--num-frames")->description("Frames, 4k+1; default 49");
  app.get_option("--seed")->description(
      "Of the first clip's initial noise, the next one's is one more; default 0");
}

void add_own_options(CLI::App& app, EvaluateRequest& request) {
  OptionGroup group(app, "The evaluation");
  group.add_value(
      "--prompts", "N|FILE", [&request](const std::string& text) { request.prompts = text; },
      "The first N held-out prompts, or a file with a prompt on each line; default 20");
  group.add_value(
      "--out", "FOLDER", [&request](const std::string& text) { request.out = text; },
      "Where clips, evaluation.json and sheet.png go; clips that are there are not made again");
  group.add_value(
      "--compare", "RULE", [&request](const std::string& text) { request.compare = text; },
      "Make each clip dense and, of the same seed, with --attention RULE: PSNR, SSIM, both scores");
  group.add_value(
      kSweepLayers, "N,N,...",
      [&request](const std::string& text) {
        request.dense_layers = parse_counts(kSweepLayers, text);
      },
      "With --compare: once for each count of first layers that stay dense");
  group.add_value(
      concat(kSweepSteps, ",--sweep-dense-steps"), "N,N,...",
      [&request](const std::string& text) {
        request.dense_steps = parse_counts(kSweepSteps, text);
      },
      "Likewise of first steps; with both, for each pair");
  group.add_value(
      "--batch-size", "N",
      [&request](const std::string& text) {
        request.batch_size = parse_integer("--batch-size", text, {.least = 1, .most = 256});
      },
      "Clips made at once; default 8 on a GPU, 1 on a CPU");
}

int evaluate(CLI::App& app, EvaluateRequest& request) {
  const GenerateRequest& clips = request.clips;
  if (clips.config_path) apply_config_file(app, *clips.config_path);
  if (const auto model = clips.engine.model_if_there()) {
    apply_model_defaults(app, *model, !request.compare);
  }
  for (const std::string& note : finish_request(request.clips)) {
    std::fprintf(stderr, "radial: note: %s\n", note.c_str());
  }
  check(request);
  std::vector<EvaluatedPrompt> prompts = prompts_of(request.prompts);
  std::vector<EvaluatedClips> settings = settings_of(app, request, prompts);
  const bool on_gpu = !clips.engine.load().device.is_cpu();
  const std::size_t batch_size =
      std::min(request.batch_size.value_or(on_gpu ? kBatchOnGpu : 1), prompts.size());
  for (const std::string& warning : check_clip_memory(settings[0].plan(), batch_size)) {
    std::fprintf(stderr, "radial: note: %s\n", warning.c_str());
  }
  stop_on_signals();
  try {
    Evaluation evaluation(prompts, std::move(settings), batch_size, clips.quiet);
    evaluation.run();
    evaluation.write(request.out);
    if (clips.quiet) return kSuccess;
    print_evaluation(evaluation_json(prompts, evaluation.settings()));
  } catch (const video::Interrupted&) {
    std::fputs("radial: interrupted; the same command goes on\n", stderr);
    return kInterrupted;
  } catch (const FormatError& error) {  // a weight that is no number
    throw InvalidArgument(error.what());
  }
  for (const char* name : {"evaluation.json", "sheet.png"}) {
    std::printf("wrote      %s\n", (fs::path(request.out) / name).c_str());
  }
  return kSuccess;
}

std::function<int()> add_evaluate_options(CLI::App& app) {
  auto request = std::make_shared<EvaluateRequest>();
  add_own_options(app, *request);
  add_clip_options(app, request->clips);
  return [request, &app] { return evaluate(app, *request); };
}

}  // namespace

Command evaluate_part() {
  return {.name = "evaluate",
          .summary = "Make clips of held-out prompts and judge what they show",
          .add_options = add_evaluate_options};
}

}  // namespace radial::tools
