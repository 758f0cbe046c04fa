#include "train_base/evaluation_report.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "video/world/judge.h"

namespace radial::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAll = "all";

std::vector<std::string> attribute_names() {
  std::vector<std::string> names(video::kAttributeNames.begin(), video::kAttributeNames.end());
  names.emplace_back(kAll);
  return names;
}

bool is_right(const Json& judged, const std::string& attribute) {
  return attribute == kAll ? judged.at(kAll).get<bool>()
                           : judged.at(attribute).at("right").get<bool>();
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The mean of what all clips have under `key`; null if it is null for any of them.
Json mean_of(const std::vector<Json>& clips, const char* key) {
  std::vector<double> values;
  for (const Json& clip : clips) {
    if (clip.at(key).is_null()) return {};
    values.push_back(clip.at(key).get<double>());
  }
  return mean(values);
}

Json summary(const EvaluatedClips& setting, const std::vector<Json>& clips) {
  const GeneratePlan& plan = setting.plan();
  const video::ResolvedAttention& attention = plan.attention;
  Json result{{"name", setting.name()},
              {"attention", attention.plan ? attention.plan->plan().description() : "dense"},
              {"density", plan.density()},
              {"dense_layers", video::places_text(attention.dense_layers)},
              {"dense_steps", video::places_text(attention.dense_steps)},
              {"saving_in_attention", plan.saving_in_attention()},
              {"saving_in_run", plan.saving_in_run()}};
  std::vector<double> denoising, decoding;
  for (const Json& clip : clips) {
    denoising.push_back(clip.at("seconds").at("denoising").get<double>());
    decoding.push_back(clip.at("seconds").at("decoding").get<double>());
  }
  result["seconds"] = {{"denoising", mean(denoising)}, {"decoding", mean(decoding)}};
  Json shares;
  for (const std::string& name : attribute_names()) {
    const auto right = std::count_if(clips.begin(), clips.end(), [&](const Json& clip) {
      return is_right(clip.at("judged"), name);
    });
    shares[name] = static_cast<double>(right) / static_cast<double>(clips.size());
  }
  result["shares"] = shares;
  if (clips.front().contains("psnr")) {
    result["psnr"] = mean_of(clips, "psnr");
    result["ssim"] = mean_of(clips, "ssim");
  }
  return result;
}

}  // namespace

Json evaluation_json(const std::vector<EvaluatedPrompt>& prompts,
                     const std::vector<EvaluatedClips>& settings) {
  Json summaries = Json::array(), clips = Json::array();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    clips.push_back({{"prompt", prompts[i].text}, {"seed", settings[0].seed(i)}});
  }
  for (const EvaluatedClips& setting : settings) {
    std::vector<Json> findings;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      findings.push_back(setting.findings(i));
      clips[i][setting.name()] = findings.back();
    }
    summaries.push_back(summary(setting, findings));
  }
  return {{"prompts", prompts.size()}, {"settings", summaries}, {"clips", clips}};
}

void print_evaluation(const Json& report) {
  const Json& settings = report.at("settings");
  int width = 8;
  for (const Json& setting : settings) {
    width = std::max(width, static_cast<int>(setting.at("name").get<std::string>().size()));
  }
  std::printf("%-*s", width, "right");
  for (const std::string& name : attribute_names()) std::printf("  %7s", name.c_str());
  std::printf("  %7s  %6s  %7s  %9s\n", "PSNR", "SSIM", "saving", "s a clip");
  for (const Json& setting : settings) {
    std::printf("%-*s", width, setting.at("name").get<std::string>().c_str());
    for (const std::string& name : attribute_names()) {
      std::printf("  %5.1f %%", 100 * setting.at("shares").at(name).get<double>());
    }
    const bool is_compared = setting.contains("psnr") && setting.at("psnr").is_number();
    if (is_compared) {
      std::printf("  %7.2f  %6.4f", setting.at("psnr").get<double>(),
                  setting.at("ssim").get<double>());
    } else {
      std::printf("  %7s  %6s", "", "");
    }
    std::printf("  %5.1f %%  %9.2f\n", 100 * setting.at("saving_in_run").get<double>(),
                setting.at("seconds").at("denoising").get<double>() +
                    setting.at("seconds").at("decoding").get<double>());
  }
  std::printf(
      "means over %zu prompts; PSNR (dB) and SSIM to the first line's clips; saving: of the "
      "transformer's work\n",
      report.at("prompts").get<std::size_t>());
}

}  // namespace radial::tools
