#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <array>
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
#include "train_base/clip_picture.h"
#include "train_base/evaluated_clips.h"
#include "train_base/parts.h"
#include "video/checkpoint/json_text.h"
#include "video/nn/interruption.h"
#include "video/train/video_similarity.h"
#include "video/world/judge.h"
#include "video/world/judge/clip_pixels.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostPrompts = video::kMaxHeldOutPrompts;

struct EvaluateRequest {
  GenerateRequest clips;
  std::string prompts = "20", out;
  std::optional<std::string> compare;
  CLI::App no_attention;  ///< holds the options of dense attention, none of which is given
};

struct Prompt {
  std::string text;
  video::CaptionFacts facts;
};

std::vector<Prompt> prompts_of(const std::string& value) {
  std::vector<Prompt> prompts;
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

/// What the judge says of all clips of one setting.
struct Score {
  std::array<int, video::kNumAttributes> right{};
  int all = 0, count = 0;

  void add(const video::Judgement& judgement) {
    ++count;
    all += judgement.all() ? 1 : 0;
    for (std::size_t i = 0; i < right.size(); ++i) right[i] += judgement.verdicts[i].is_right;
  }
  double share(int number) const { return static_cast<double>(number) / count; }
  Json json() const {
    Json shares;
    for (std::size_t i = 0; i < right.size(); ++i) {
      shares[std::string(video::kAttributeNames[i])] = share(right[i]);
    }
    shares["all"] = share(all);
    return shares;
  }
  void print(const char* name) const {
    std::printf("%-9s", name);
    for (const int number : right) std::printf("  %5.1f %%", 100 * share(number));
    std::printf("  %5.1f %%\n", 100 * share(all));
  }
};

Json json_of(const video::Judgement& judgement) {
  Json result;
  for (std::size_t i = 0; i < judgement.verdicts.size(); ++i) {
    const video::Verdict& verdict = judgement.verdicts[i];
    result[std::string(video::kAttributeNames[i])] = {
        {"right", verdict.is_right}, {"wanted", verdict.wanted}, {"seen", verdict.seen}};
  }
  result["all"] = judgement.all();
  return result;
}

at::Tensor picture_of(const at::Tensor& frames) {
  return (frames * 255).round().to(at::kByte).transpose(0, 1).contiguous();
}

class Evaluation {
 public:
  Evaluation(const EvaluateRequest& request, std::vector<Prompt> prompts,
             std::vector<EvaluatedClips> settings)
      : request_(request), prompts_(std::move(prompts)), settings_(std::move(settings)) {}

  int run() {
    for (const EvaluatedClips& clips : settings_) {
      const int code = clips.make();
      if (code != kSuccess) return code;
    }
    try {
      for (std::size_t i = 0; i < prompts_.size(); ++i) {
        video::stop_if_requested();
        add(i);
      }
    } catch (const video::Interrupted&) {
      std::fputs("radial: interrupted; the same command goes on\n", stderr);
      return kInterrupted;
    }
    write();
    if (!request_.clips.quiet) print();
    return kSuccess;
  }

 private:
  static constexpr std::size_t kMostRows = 40;

  bool compares() const { return settings_.size() == 2; }

  void add(std::size_t index) {
    Json entry{{"prompt", prompts_[index].text}, {"seed", settings_[0].seed(index)}};
    std::vector<at::Tensor> clips;
    for (std::size_t i = 0; i < settings_.size(); ++i) {
      clips.push_back(settings_[i].frames(index));
      const video::Judgement judgement =
          video::judge(clips.back(), request_.clips.fps, prompts_[index].facts);
      scores_[i].add(judgement);
      entry[i == 0 ? "judged" : "judged_compared"] = json_of(judgement);
      if (rows_.size() < kMostRows) rows_.push_back(picture_of(clips.back()));
    }
    if (compares()) {
      const double psnr = video::psnr_of_frames(clips[1], clips[0]);
      const double ssim = video::ssim_of_frames(clips[1], clips[0]);
      entry["psnr"] = psnr;
      entry["ssim"] = ssim;
      psnr_ += psnr / static_cast<double>(prompts_.size());
      ssim_ += ssim / static_cast<double>(prompts_.size());
    }
    entries_.push_back(std::move(entry));
  }

  void write() const {
    const fs::path out = request_.out;
    Json result{{"prompts", prompts_.size()}, {"shares", scores_[0].json()}};
    if (compares()) {
      result["compared"] = {{"attention", *request_.compare},
                            {"shares", scores_[1].json()},
                            {"psnr", psnr_},
                            {"ssim", ssim_}};
    }
    result["clips"] = entries_;
    write_text_file(out / "evaluation.json",
                    result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    write_clip_rows(out / "sheet.png", rows_,
                    compares() ? "a dense clip, below it the one compared with it"
                               : "a clip in each row, in the order of the prompts");
  }

  void print() const {
    std::printf("right    ");
    for (const std::string_view name : video::kAttributeNames) std::printf("  %7s", name.data());
    std::printf("  %7s\n", "all");
    scores_[0].print(compares() ? "dense" : "clips");
    if (compares()) {
      scores_[1].print("compared");
      std::printf("PSNR %.2f dB, SSIM %.4f: %s to dense, means over %zu prompts\n", psnr_, ssim_,
                  request_.compare->c_str(), prompts_.size());
    }
    for (const char* name : {"evaluation.json", "sheet.png"}) {
      std::printf("wrote      %s\n", (fs::path(request_.out) / name).c_str());
    }
  }

  const EvaluateRequest& request_;
  std::vector<Prompt> prompts_;
  std::vector<EvaluatedClips> settings_;
  std::array<Score, 2> scores_;
  double psnr_ = 0, ssim_ = 0;
  Json entries_ = Json::array();
  std::vector<at::Tensor> rows_;
};

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
}

// The clips of one setting, or of two: dense, and under the rule to compare.
std::vector<EvaluatedClips> settings_of(CLI::App& app, EvaluateRequest& request,
                                        const std::vector<Prompt>& prompts) {
  std::vector<std::string> texts;
  for (const Prompt& prompt : prompts) texts.push_back(prompt.text);
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
  try {
    rule->add_result(*request.compare);
    rule->run_callback();
    settings.emplace_back(out / "compared", request.clips, texts);
  } catch (const InvalidArgument& error) {
    const std::string text = error.what();
    const bool is_rule = text.starts_with("--rule:") || text.starts_with("--attention:");
    throw InvalidArgument(is_rule ? "--compare" + text.substr(text.find(':')) : text);
  }
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

std::function<int()> add_evaluate_options(CLI::App& app) {
  auto request = std::make_shared<EvaluateRequest>();
  OptionGroup group(app, "The evaluation");
  group.add_value(
      "--prompts", "N|FILE", [request](const std::string& text) { request->prompts = text; },
      "The first N held-out prompts, or a file with a prompt on each line; default 20");
  group.add_value(
      "--out", "FOLDER", [request](const std::string& text) { request->out = text; },
      "Where clips, evaluation.json and sheet.png go; clips that are there are not made again");
  group.add_value(
      "--compare", "RULE", [request](const std::string& text) { request->compare = text; },
      "Make each clip dense and, of the same seed, with --attention RULE: PSNR, SSIM, both scores");
  add_clip_options(app, request->clips);
  return [request, &app] {
    if (request->clips.config_path) apply_config_file(app, *request->clips.config_path);
    for (const std::string& note : finish_request(request->clips)) {
      std::fprintf(stderr, "radial: note: %s\n", note.c_str());
    }
    check(*request);
    std::vector<Prompt> prompts = prompts_of(request->prompts);
    std::vector<EvaluatedClips> settings = settings_of(app, *request, prompts);
    return Evaluation(*request, std::move(prompts), std::move(settings)).run();
  };
}

}  // namespace

Command evaluate_part() {
  return {.name = "evaluate",
          .summary = "Make clips of held-out prompts and judge what they show",
          .add_options = add_evaluate_options};
}

}  // namespace radial::tools
