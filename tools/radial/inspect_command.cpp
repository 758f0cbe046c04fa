#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "command.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "video/checkpoint/inspection.h"
#include "video/checkpoint/json_text.h"

namespace radial::tools {
namespace {

using Report = nlohmann::ordered_json;

struct InspectRequest {
  std::string path;
  bool json = false;
};

std::string kind_of(const video::WeightFacts& facts) {
  if (facts.lora) return "LoRA";
  return facts.kind ? std::string(video::name_of(*facts.kind)) : "unknown network";
}

Report report_of(const video::WeightFacts& facts) {
  Report report{{"path", facts.path.string()}};
  if (!facts.problem.empty()) {
    report["problem"] = facts.problem;
    return report;
  }
  report["kind"] = kind_of(facts);
  report["format"] = facts.is_pickle ? "pickle" : "safetensors";
  if (facts.layout) report["layout"] = video::name_of(*facts.layout);
  report["files"] = facts.num_files;
  report["tensors"] = facts.num_tensors;
  report["parameters"] = facts.num_parameters;
  report["bytes"] = facts.bytes;
  report["types"] = facts.parameters_of_type;
  if (facts.lora) {
    report["lora"] = {{"least_rank", facts.lora->least_rank},
                      {"greatest_rank", facts.lora->greatest_rank},
                      {"targets", facts.lora->targets}};
  }
  if (!facts.metadata.empty()) report["metadata"] = facts.metadata;
  return report;
}

Report report_of(const video::Inspection& found) {
  if (found.weights) return report_of(*found.weights);
  Report report{{"path", found.path.string()},
                {"kind", "model folder"},
                {"layout", video::name_of(*found.folder_layout)}};
  for (const video::PartFacts& part : found.parts) {
    report["parts"][part.name] = part.weights ? report_of(*part.weights) : Report::object();
    report["parts"][part.name]["present"] = part.is_present;
  }
  report["complete"] = video::is_complete(found);
  return report;
}

std::string quantity(double value, const char* unit) {
  const char* prefix = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (value < 1000) break;
    value /= 1000;
    prefix = next;
  }
  char text[64];
  std::snprintf(text, sizeof text, value < 10 && *prefix != '\0' ? "%.2f %s%s" : "%.4g %s%s", value,
                prefix, unit);
  std::string shown = text;
  if (shown.ends_with(' ')) shown.pop_back();  // a small number of nothing in particular
  return shown;
}

std::string line_of(const video::WeightFacts& facts) {
  if (!facts.problem.empty()) return "cannot be read: " + facts.problem;
  std::string text = kind_of(facts);
  if (facts.layout) text += concat(", ", video::name_of(*facts.layout), " layout");
  if (facts.is_pickle) text += ", pickle (radial convert makes safetensors of it)";
  text += concat(", ", facts.num_tensors, " tensors in ", facts.num_files,
                 facts.num_files == 1 ? " file, " : " files, ",
                 quantity(static_cast<double>(facts.num_parameters), ""), " parameters, ",
                 quantity(static_cast<double>(facts.bytes), "B"));
  for (const auto& [type, elements] : facts.parameters_of_type) text += ", " + type;
  return text;
}

void print_text(const video::Inspection& found) {
  if (found.weights) {
    std::printf("%s\n", line_of(*found.weights).c_str());
    if (!found.weights->lora) return;
    const video::LoraFacts& lora = *found.weights->lora;
    std::printf("rank      %lld to %lld\n", static_cast<long long>(lora.least_rank),
                static_cast<long long>(lora.greatest_rank));
    for (const auto& [target, modules] : lora.targets) {
      std::printf("target    %s (%d modules)\n", video::printable(target).c_str(), modules);
    }
    return;
  }
  std::printf("model folder, %s layout\n",
              std::string(video::name_of(*found.folder_layout)).c_str());
  for (const video::PartFacts& part : found.parts) {
    const std::string state = !part.is_present ? "missing"
                              : part.weights   ? line_of(*part.weights)
                                               : "present";
    std::printf("%-13s %s\n", part.name.c_str(), state.c_str());
  }
}

int run_inspect(const InspectRequest& request) {
  if (request.path.empty()) refuse("PATH", "a file or folder", "");
  const video::Inspection found = video::inspect(request.path);
  if (!request.json && found.weights && !found.weights->problem.empty()) {
    throw Error(found.weights->problem);
  }
  if (request.json) {
    // Names out of files may be no UTF-8.
    std::printf("%s\n",
                report_of(found).dump(2, ' ', false, Report::error_handler_t::replace).c_str());
  } else {
    print_text(found);
  }
  return video::is_complete(found) ? kSuccess : kFailure;
}

std::function<int()> add_inspect_options(CLI::App& app) {
  app.footer(
      "The exit code is 0 if everything is there and can be read, 1 if something is damaged or\n"
      "missing.");
  auto request = std::make_shared<InspectRequest>();
  app.add_option("PATH", request->path, "A file of weights or a model's folder");
  OptionGroup group(app, "Output");
  group.add_flag(
      "--json", [request] { request->json = true; }, "Print the report as JSON");
  return [request] { return run_inspect(*request); };
}

}  // namespace

Command inspect_command() {
  return {.name = "inspect",
          .summary = "Say what a file or folder of weights is and what it lacks",
          .add_options = add_inspect_options};
}

}  // namespace radial::tools
