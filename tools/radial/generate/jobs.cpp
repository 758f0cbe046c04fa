#include "generate/jobs.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "options/option_values.h"
#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

std::string numbered(const std::string& path, std::size_t number) {
  const std::string digits = std::to_string(number);
  const std::string padding(4 - std::min<std::size_t>(4, digits.size()), '0');
  fs::path result = path;
  if (!result.has_filename()) result = result.parent_path();  // a folder written as "frames/"
  result.replace_filename(
      concat(result.stem().string(), "_", padding, digits, result.extension().string()));
  return result.string();
}

std::vector<std::string> prompts_in(const std::string& path) {
  if (!fs::is_regular_file(path)) refuse("--prompts-file", "a file that exists", path);
  std::istringstream text(video::read_text_file(path));
  std::vector<std::string> prompts;
  for (std::string line; std::getline(text, line);) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    prompts.push_back(line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin));
  }
  if (prompts.empty()) refuse("--prompts-file", "a file with a prompt on a line", path);
  return prompts;
}

GenerateJob job_of(const GenerateRequest& request, const std::string& prompt, std::size_t number) {
  const auto path = [&](const std::string& given) {
    return number == 0 ? given : numbered(given, number);
  };
  GenerateJob job;
  job.prompt = prompt;
  job.output_path = path(request.output_path);
  job.state_path = job.output_path + ".resume.safetensors";
  if (request.save_latents_path) job.save_latents_path = path(*request.save_latents_path);
  if (request.save_frames_path) job.save_frames_path = path(*request.save_frames_path);
  return job;
}

}  // namespace

std::vector<GenerateJob> jobs_of(const GenerateRequest& request) {
  if (request.prompt) return {job_of(request, *request.prompt, 0)};
  if (!request.prompts_path) refuse("--prompt", "a text, or --prompts-file", "");
  std::vector<GenerateJob> jobs;
  for (const std::string& prompt : prompts_in(*request.prompts_path)) {
    jobs.push_back(job_of(request, prompt, jobs.size() + 1));
  }
  return jobs;
}

}  // namespace radial::tools
