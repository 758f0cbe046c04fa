#include "video/checkpoint/inspection.h"

#include <algorithm>
#include <string_view>

#include "radial/base/error.h"
#include "video/checkpoint/checkpoint.h"
#include "video/checkpoint/pickle_file.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

void count(WeightFacts& facts, ElementType type, std::uint64_t bytes) {
  const auto elements = static_cast<std::int64_t>(bytes / size_of(type));
  ++facts.num_tensors;
  facts.bytes += bytes;
  facts.num_parameters += elements;
  facts.parameters_of_type[std::string(name_of(type))] += elements;
}

// The last two words of a module's name without numbers: "attn1.to_q", "self_attn.q".
std::string target_of(std::string_view module) {
  std::vector<std::string> words;
  while (!module.empty()) {
    const std::size_t end = std::min(module.find('.'), module.size());
    const std::string word(module.substr(0, end));
    if (!std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      words.push_back(word);
    }
    module.remove_prefix(std::min(end + 1, module.size()));
  }
  if (words.empty()) return "";
  return words.size() == 1 ? words[0] : words[words.size() - 2] + "." + words.back();
}

// A pair's first half gives the rank: [rank, in].
void count_lora(WeightFacts& facts, const std::string& name,
                const std::vector<std::int64_t>& shape) {
  for (const std::string_view end :
       {".lora_A.weight", ".lora_A.default.weight", ".lora_down.weight"}) {
    if (!name.ends_with(end) || shape.empty()) continue;
    if (!facts.lora) facts.lora.emplace(LoraFacts{shape[0], shape[0], {}});
    facts.lora->least_rank = std::min(facts.lora->least_rank, shape[0]);
    facts.lora->greatest_rank = std::max(facts.lora->greatest_rank, shape[0]);
    ++facts.lora->targets[target_of(std::string_view(name).substr(0, name.size() - end.size()))];
  }
}

void recognise(WeightFacts& facts, const std::vector<std::string>& names) {
  if (facts.lora) return;
  if (const std::optional<ModelPart> part = recognise_part(names)) {
    facts.kind = part->kind;
    facts.layout = part->layout;
  }
}

void read_pickle(WeightFacts& facts) {
  facts.is_pickle = true;
  facts.num_files = 1;
  std::vector<std::string> names;
  for (const TensorData& tensor : read_pickle_file(facts.path)) {
    count(facts, tensor.type, tensor.bytes.size());
    count_lora(facts, tensor.name, tensor.shape);
    names.push_back(tensor.name);
  }
  recognise(facts, names);
}

void read_safetensors(WeightFacts& facts) {
  const Checkpoint checkpoint = Checkpoint::open(facts.path);
  facts.num_files = static_cast<std::int64_t>(checkpoint.files().size());
  facts.metadata = checkpoint.metadata();
  const std::vector<std::string> names = checkpoint.names();
  for (const std::string& name : names) {
    const TensorEntry& entry = *checkpoint.find(name)->entry;
    count(facts, entry.type, entry.bytes);
    count_lora(facts, name, entry.shape);
  }
  recognise(facts, names);
}

WeightFacts facts_of(const fs::path& path) {
  WeightFacts facts;
  facts.path = path;
  try {
    if (fs::is_regular_file(path) && is_pickle_name(path)) {
      read_pickle(facts);
    } else {
      read_safetensors(facts);
    }
  } catch (const Error& error) {
    facts = WeightFacts{};
    facts.path = path;
    facts.problem = error.what();
  }
  return facts;
}

PartFacts weights_part(const std::string& name, std::initializer_list<fs::path> places) {
  PartFacts part{name, false, std::nullopt};
  for (const fs::path& place : places) {
    if (!fs::exists(place)) continue;
    part.is_present = true;
    part.weights = facts_of(place);
    return part;
  }
  return part;
}

PartFacts file_part(const std::string& name, const fs::path& place) {
  return {name, fs::exists(place), std::nullopt};
}

void inspect_diffusers(Inspection& found) {
  found.folder_layout = Layout::kDiffusers;
  for (const char* name : {"transformer", "text_encoder", "vae"}) {
    found.parts.push_back(weights_part(name, {found.path / name}));
  }
  found.parts.push_back(file_part("tokenizer", found.path / "tokenizer" / "spiece.model"));
  found.parts.push_back(file_part("scheduler", found.path / "scheduler" / "scheduler_config.json"));
}

void inspect_official(Inspection& found) {
  found.folder_layout = Layout::kOfficial;
  const fs::path& root = found.path;
  const std::string encoder = "models_t5_umt5-xxl-enc-bf16";
  found.parts.push_back(weights_part("transformer", {root}));
  found.parts.push_back(
      weights_part("text_encoder", {root / (encoder + ".safetensors"), root / (encoder + ".pth")}));
  found.parts.push_back(
      weights_part("vae", {root / "Wan2.1_VAE.safetensors", root / "Wan2.1_VAE.pth"}));
  found.parts.push_back(file_part("tokenizer", root / "google" / "umt5-xxl" / "spiece.model"));
}

bool is_official_folder(const fs::path& path) {
  return fs::exists(path / "Wan2.1_VAE.pth") || fs::exists(path / "Wan2.1_VAE.safetensors") ||
         fs::is_directory(path / "google");
}

}  // namespace

Inspection inspect(const fs::path& path) {
  std::error_code problem;
  if (!fs::exists(path, problem)) throw Error(concat(path.string(), ": no such file or folder"));
  Inspection found;
  found.path = path;
  if (fs::exists(path / "model_index.json") || fs::is_directory(path / "transformer") ||
      fs::is_directory(path / "vae")) {
    inspect_diffusers(found);
  } else if (fs::is_directory(path) && is_official_folder(path)) {
    inspect_official(found);
  } else {
    found.weights = facts_of(path);
  }
  return found;
}

bool is_complete(const Inspection& inspection) {
  if (inspection.weights && !inspection.weights->problem.empty()) return false;
  return std::all_of(inspection.parts.begin(), inspection.parts.end(), [](const PartFacts& part) {
    return part.is_present && (!part.weights || part.weights->problem.empty());
  });
}

}  // namespace radial::video
