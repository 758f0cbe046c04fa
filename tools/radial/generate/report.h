#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "generate/plan.h"

namespace radial::tools {

using Report = nlohmann::ordered_json;

/// Seconds of each stage of a run, all prompts together.
struct StageTimes {
  double text = 0, denoising = 0, decoding = 0, writing = 0;
};

/// What the request comes to; every key is the name of an option.
Report settings_report(const GenerateRequest& request, const GeneratePlan& plan);
/// The plan: tokens, density, dense steps and layers, work and expected saving, sizes, warnings.
Report plan_report(const GenerateRequest& request, const GeneratePlan& plan);
/// Both for people, before the start.
void print_plan(const GenerateRequest& request, const GeneratePlan& plan);

/// Which blocks the mask keeps, for people.
void print_mask_stats(const GeneratePlan& plan);

/// Times and peak memory.
Report result_report(const GenerateRequest& request, const StageTimes& times);
void print_result(const GenerateRequest& request, const StageTimes& times);

/// Text of a report; bytes that are no UTF-8 are replaced.
std::string text_of(const Report& report, int indent);

}  // namespace radial::tools
