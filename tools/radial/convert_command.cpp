#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "video/checkpoint/checkpoint.h"
#include "video/checkpoint/json_text.h"
#include "video/checkpoint/model_part.h"
#include "video/checkpoint/pickle_file.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

struct ConvertRequest {
  std::string input, output;
  std::optional<video::Layout> layout;
};

struct Weights {
  std::vector<video::TensorData> tensors;
  std::map<std::string, std::string> metadata;
};

Weights read_weights(const fs::path& path) {
  if (fs::is_regular_file(path) && video::is_pickle_name(path)) {
    return {video::read_pickle_file(path), {}};
  }
  const video::Checkpoint checkpoint = video::Checkpoint::open(path);
  Weights weights{{}, checkpoint.metadata()};
  for (const std::string& name : checkpoint.names()) {
    const video::Checkpoint::Tensor& place = *checkpoint.find(name);
    weights.tensors.push_back({name, place.entry->type, place.entry->shape,
                               place.file->data(*place.entry), place.file->map()});
  }
  return weights;
}

std::vector<std::string> names_of(const Weights& weights) {
  std::vector<std::string> names;
  for (const video::TensorData& tensor : weights.tensors) names.push_back(tensor.name);
  return names;
}

// transformers may store the token table under both of its names; the official layout has one.
void drop_second_token_table(Weights& weights, const video::ModelPart& part) {
  const auto is_named = [&](const char* name) {
    return [wanted = part.prefix + name](const video::TensorData& tensor) {
      return tensor.name == wanted;
    };
  };
  if (part.kind == video::PartKind::kUmt5 &&
      std::any_of(weights.tensors.begin(), weights.tensors.end(), is_named("shared.weight"))) {
    std::erase_if(weights.tensors, is_named("encoder.embed_tokens.weight"));
  }
}

// Every tensor must have a name in the other layout: a file with half of them renamed fits nothing.
void rename(Weights& weights, const video::ModelPart& part, video::Layout wanted) {
  for (video::TensorData& tensor : weights.tensors) {
    const std::optional<std::string> renamed = part.find_name_in(wanted, tensor.name);
    if (!renamed) {
      throw FormatError(concat(video::printable(tensor.name), ": has no name in the ",
                               video::name_of(wanted), " layout"));
    }
    tensor.name = *renamed;
  }
}

int run_convert(const ConvertRequest& request) {
  if (request.input.empty()) refuse("INPUT", "a file or folder with weights", "");
  if (request.output.empty()) refuse("OUTPUT", "a .safetensors file to write", "");
  if (fs::path(request.output).extension() != ".safetensors") {
    refuse("OUTPUT", "a name that ends with .safetensors", request.output);
  }
  std::error_code none;
  if (fs::equivalent(request.input, request.output, none)) {
    refuse("OUTPUT", "another file than INPUT", request.output);
  }
  Weights weights = read_weights(request.input);
  const std::optional<video::ModelPart> part = video::recognise_part(names_of(weights));
  if (request.layout) {
    if (!part) refuse("--layout", "weights of a known network to rename", request.input);
    drop_second_token_table(weights, *part);
    rename(weights, *part, *request.layout);
  }
  video::write_safetensors(request.output, weights.tensors, weights.metadata);
  const std::string what =
      part ? concat(video::name_of(part->kind), ", ",
                    video::name_of(request.layout.value_or(part->layout)), " layout")
           : std::string("unknown network");
  std::printf("wrote %s: %zu tensors (%s)\n", request.output.c_str(), weights.tensors.size(),
              what.c_str());
  return kSuccess;
}

video::Layout parse_layout(const std::string& text) {
  if (text == "official") return video::Layout::kOfficial;
  if (text == "diffusers") return video::Layout::kDiffusers;
  refuse("--layout", "official or diffusers", text);
}

std::function<int()> add_convert_options(CLI::App& app) {
  app.footer(
      "Pickle files are read without being executed: only their tensors are taken.\n"
      "Examples:\n"
      "  radial convert Wan2.1_VAE.pth Wan2.1_VAE.safetensors\n"
      "  radial convert model.safetensors renamed.safetensors --layout diffusers");
  auto request = std::make_shared<ConvertRequest>();
  app.add_option("INPUT", request->input, "A .pth, .pt, .bin or .safetensors file, or a folder");
  app.add_option("OUTPUT", request->output, "The .safetensors file to write");
  OptionGroup group(app, "What to make");
  group.add_value(
      "--layout", "LAYOUT",
      [request](const std::string& text) { request->layout = parse_layout(text); },
      "Rename the tensors: official or diffusers; default: as they are");
  return [request] { return run_convert(*request); };
}

}  // namespace

Command convert_command() {
  return {.name = "convert",
          .summary = "Make safetensors of pickle files; rename between layouts",
          .add_options = add_convert_options};
}

}  // namespace radial::tools
