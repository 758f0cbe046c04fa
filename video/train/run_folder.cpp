#include "video/train/run_folder.h"

#include <unistd.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kSettings = "settings.json";
constexpr const char* kFormat = "radial.training";  // marks a state among other safetensors files

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(concat(path.string(), ": cannot be read"));
  return text.str();
}

ordered_json parse(const std::string& text, const fs::path& path) {
  try {
    return ordered_json::parse(text);
  } catch (const ordered_json::exception&) {
    throw FormatError(concat(path.string(), ": expected JSON"));
  }
}

template <typename Number>
Number number_of(const std::map<std::string, std::string>& metadata, const std::string& name) {
  const auto found = metadata.find(name);
  Number value{};
  if (found != metadata.end()) {
    const std::string& text = found->second;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return value;
  }
  throw FormatError(concat("expected a number named ", name, ", got ",
                           found == metadata.end() ? "none" : found->second));
}

}  // namespace

std::optional<std::string> first_difference(const ordered_json& kept, const ordered_json& wanted) {
  const auto text = [](const ordered_json& settings, const std::string& name) {
    if (!settings.contains(name)) return std::string("none");
    const ordered_json& value = settings.at(name);
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  for (const ordered_json* settings : {&wanted, &kept}) {
    for (const auto& [name, unused] : settings->items()) {
      const std::string had = text(kept, name), wants = text(wanted, name);
      if (had != wants) return concat(name, " ", had, ", not ", wants);
    }
  }
  return {};
}

void write_text_file(const fs::path& path, const std::string& text) {
  fs::path temporary = path;
  temporary += concat(".", ::getpid(), ".part");
  std::ofstream file(temporary);
  file << text;
  file.close();
  std::error_code failure;
  if (file) fs::rename(temporary, path, failure);
  if (!file || failure) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw Error(concat(path.string(), ": cannot be written"));
  }
}

RunFolder::RunFolder(fs::path path, const ordered_json& settings, bool resume)
    : path_(std::move(path)) {
  std::error_code failure;
  fs::create_directory(path_, failure);
  if (!fs::is_directory(path_)) {
    throw InvalidArgument(
        concat("--out: expected a folder, or a new one in a folder that exists, got '",
               path_.string(), "'"));
  }
  const fs::path file = path_ / kSettings;
  if (!fs::exists(file) || !fs::exists(state_path())) {
    write_text_file(file, settings.dump(2) + '\n');
    return;
  }
  if (!resume) {
    throw InvalidArgument(concat("--out: expected a folder without a run, got '", path_.string(),
                                 "'; --resume goes on with it"));
  }
  if (const auto difference = first_difference(parse(read_text(file), file), settings)) {
    throw InvalidArgument(concat("--resume: expected a run of the same settings, got ",
                                 path_.string(), " with ", *difference));
  }
}

std::optional<TrainingState> RunFolder::load_state() const {
  if (!fs::exists(state_path())) {
    cut_log(0);
    return {};
  }
  TrainingState state{.tensors = load_tensors(state_path())};
  try {
    const std::map<std::string, std::string> metadata =
        SafetensorsFile::open(state_path())->metadata();
    if (!metadata.contains(kFormat)) throw FormatError("expected the state of a training");
    state.steps = number_of<std::int64_t>(metadata, "steps");
    state.seconds = number_of<double>(metadata, "seconds");
    state.finished = number_of<int>(metadata, "finished") != 0;
  } catch (const FormatError& error) {
    throw FormatError(concat(state_path().string(), ": ", error.what()));
  }
  cut_log(state.steps);
  return state;
}

void RunFolder::save_state(const TrainingState& state) const {
  char seconds[32];
  const auto end = std::to_chars(seconds, seconds + sizeof seconds, state.seconds).ptr;
  save_tensors(state_path(), state.tensors,
               {{kFormat, "1"},
                {"steps", std::to_string(state.steps)},
                {"seconds", std::string(seconds, end)},
                {"finished", state.finished ? "1" : "0"}});
}

void RunFolder::append_log(std::int64_t step, const LogValues& values) const {
  ordered_json line{{"step", step}};
  for (const auto& [name, value] : values) {
    char digits[32];  // six are more than a curve shows, and keep the file readable
    std::snprintf(digits, sizeof digits, "%.6g", value);
    line[name] = std::isfinite(value) ? ordered_json(std::strtod(digits, nullptr)) : ordered_json();
  }
  std::ofstream file(log_path(), std::ios::app);
  file << line.dump() << '\n';
  file.close();
  if (!file) throw Error(concat(log_path().string(), ": cannot be written"));
}

void RunFolder::cut_log(std::int64_t steps) const {
  if (!fs::exists(log_path())) return;
  std::istringstream lines(read_text(log_path()));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const ordered_json values = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    // A line that was cut off when the process died is none.
    if (values.is_object() && values.value("step", std::int64_t{0}) <= steps && steps > 0) {
      kept += line + '\n';
    }
  }
  write_text_file(log_path(), kept);
}

}  // namespace radial::video
