#include "video/pipeline/run_state.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

constexpr const char* kFormat = "radial run state 1";

at::Tensor take(std::map<std::string, at::Tensor>& tensors, const std::string& name,
                const std::filesystem::path& path) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw FormatError(concat(path.string(), ": no state of a run (", name, " is missing)"));
  }
  return found->second;
}

int number(const nlohmann::json& values, const char* key, const std::filesystem::path& path) {
  const auto found = values.find(key);
  if (found == values.end() || !found->is_number_integer()) {
    throw FormatError(concat(path.string(), ": no state of a run (", key, " is missing)"));
  }
  return found->get<int>();
}

}  // namespace

void save_run_state(const std::filesystem::path& path, const DenoiseState& state,
                    const RunSettings& settings) {
  std::map<std::string, at::Tensor> tensors{{"latents", state.latents}};
  for (std::size_t i = 0; i < state.sampler.clean.size(); ++i) {
    tensors["clean." + std::to_string(i)] = state.sampler.clean[i];
  }
  if (state.sampler.last_sample.defined()) tensors["last_sample"] = state.sampler.last_sample;
  const nlohmann::json about{{"next_step", state.sampler.next_step},
                             {"last_order", state.sampler.last_order},
                             {"num_clean", state.sampler.clean.size()},
                             {"settings", settings}};
  using Json = nlohmann::json;
  save_tensors(
      path, tensors,
      {{"format", kFormat}, {"run", about.dump(-1, ' ', false, Json::error_handler_t::replace)}});
}

RunState load_run_state(const std::filesystem::path& path) {
  const auto metadata = SafetensorsFile::open(path)->metadata();
  const auto format = metadata.find("format"), run = metadata.find("run");
  if (format == metadata.end() || format->second != kFormat || run == metadata.end()) {
    throw FormatError(concat(path.string(), ": no state of a run"));
  }
  const nlohmann::json about = parse_json_object(run->second, path.string());
  std::map<std::string, at::Tensor> tensors = load_tensors(path);
  RunState kept;
  kept.state.latents = take(tensors, "latents", path);
  kept.state.sampler.next_step = number(about, "next_step", path);
  kept.state.sampler.last_order = number(about, "last_order", path);
  for (int i = 0; i < number(about, "num_clean", path); ++i) {
    kept.state.sampler.clean.push_back(take(tensors, "clean." + std::to_string(i), path));
  }
  if (tensors.contains("last_sample")) kept.state.sampler.last_sample = tensors["last_sample"];
  try {
    kept.settings = about.at("settings").get<RunSettings>();
  } catch (const nlohmann::json::exception&) {
    throw FormatError(concat(path.string(), ": no state of a run (settings are missing)"));
  }
  return kept;
}

std::optional<std::string> first_difference(const RunSettings& kept, const RunSettings& wanted) {
  for (const auto& [name, value] : wanted) {
    const auto same = std::find_if(kept.begin(), kept.end(),
                                   [&](const auto& setting) { return setting.first == name; });
    const std::string before = same == kept.end() ? "nothing" : same->second;
    if (before != value) return concat(name, " ", printable(before), ", not ", printable(value));
  }
  return {};
}

}  // namespace radial::video
