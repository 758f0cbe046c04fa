#include "video/lora/lora_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

constexpr std::array<std::string_view, 4> kPrefixes{"base_model.model.", "transformer.",
                                                    "diffusion_model.", "model."};

enum class Role { kDown, kUp, kAlpha, kWeight, kBias, kModulation };

struct Suffix {
  std::string_view text;
  Role role;
};

constexpr std::array<Suffix, 10> kSuffixes{{{".lora_A.weight", Role::kDown},
                                            {".lora_A.default.weight", Role::kDown},
                                            {".lora_down.weight", Role::kDown},
                                            {".lora_B.weight", Role::kUp},
                                            {".lora_B.default.weight", Role::kUp},
                                            {".lora_up.weight", Role::kUp},
                                            {".alpha", Role::kAlpha},
                                            {".diff", Role::kWeight},
                                            {".diff_b", Role::kBias},
                                            {".diff_m", Role::kModulation}}};

struct Key {
  std::string module;  // without prefix
  Role role;
};

std::optional<Key> split_key(std::string_view key) {
  for (const std::string_view prefix : kPrefixes) {
    if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
  }
  for (const Suffix& suffix : kSuffixes) {
    if (key.ends_with(suffix.text)) {
      return Key{std::string(key.substr(0, key.size() - suffix.text.size())), suffix.role};
    }
  }
  return std::nullopt;
}

// Canonical name of a tensor that is named in either layout; nothing if neither knows it.
std::optional<std::string> canonical_name(const std::string& name) {
  if (const auto mapped = wan_key_map().to_diffusers(name)) return mapped;
  return wan_key_map().to_official(name) ? std::optional(name) : std::nullopt;
}

std::string tensor_of(const Key& key) {
  switch (key.role) {
    case Role::kBias:
      return key.module + ".bias";
    case Role::kModulation:
      return key.module + ".modulation";
    default:
      return key.module + ".weight";
  }
}

bool names_module(const std::string& tensor, const std::string& module) {
  const std::string weight = module + ".weight";
  return tensor == weight || tensor.ends_with("." + weight);
}

}  // namespace

void LoraFile::fail(const std::string& key, const std::string& problem) const {
  throw FormatError(concat(path_.string(), ": ", printable(key), ": ", problem));
}

LoraFile LoraFile::open(const std::filesystem::path& path) {
  const std::shared_ptr<const SafetensorsFile> file = SafetensorsFile::open(path);
  LoraFile lora(path);
  for (const TensorEntry& entry : file->tensors()) {
    const at::Tensor tensor = view_of(*file, entry);
    require_finite(tensor, concat(path.string(), ": tensor ", printable(entry.name)));
    lora.add_tensor(entry.name, tensor);
  }
  lora.check_pairs();
  const auto metadata = file->metadata().find("lora_adapter_metadata");
  if (metadata != file->metadata().end()) lora.add_metadata_alphas(metadata->second);
  return lora;
}

void LoraFile::add_tensor(const std::string& key, const at::Tensor& tensor) {
  const std::optional<Key> split = split_key(key);
  if (!split) fail(key, "no LoRA key of a known dialect");
  const std::optional<std::string> name = canonical_name(tensor_of(*split));
  if (!name) fail(key, "the model has no such module");
  Change& change = changes_[*name];
  at::Tensor* place = nullptr;
  switch (split->role) {
    case Role::kAlpha:
      if (tensor.numel() != 1) fail(key, concat("expected one number, got ", tensor.sizes()));
      change.alpha = tensor.to(at::kDouble).item<double>();
      return;
    case Role::kDown:
      place = &change.down;
      break;
    case Role::kUp:
      place = &change.up;
      break;
    default:
      place = &change.whole;
  }
  if (place->defined()) fail(key, "given twice");
  if (!tensor.is_floating_point()) fail(key, "expected floating-point numbers");
  *place = tensor.to(at::kFloat);
}

void LoraFile::check_pairs() const {
  if (changes_.empty()) throw FormatError(concat(path_.string(), ": no LoRA in this file"));
  for (const auto& [name, change] : changes_) {
    if (change.down.defined() != change.up.defined()) fail(name, "half of a pair is missing");
    if (!change.down.defined() && !change.whole.defined()) fail(name, "alpha without weights");
    if (!change.down.defined()) continue;
    if (change.down.dim() < 2 || change.up.dim() < 2 || change.up.size(1) != change.down.size(0) ||
        change.down.size(0) == 0) {
      fail(name, concat("down ", change.down.sizes(), " and up ", change.up.sizes(),
                        " do not fit together"));
    }
  }
}

void LoraFile::add_metadata_alphas(const std::string& text) {
  const nlohmann::json values = parse_json_object(text, path_.string() + ": lora_adapter_metadata");
  const auto number = [&](const nlohmann::json& value) {
    if (!value.is_number()) fail("lora_adapter_metadata", "alpha must be a number");
    return value.get<double>();
  };
  for (const std::string prefix : {"transformer.", ""}) {
    if (values.contains(prefix + "lora_alpha")) {
      for (auto& [name, change] : changes_) {
        if (change.alpha == 0) change.alpha = number(values.at(prefix + "lora_alpha"));
      }
    }
    const auto patterns = values.find(prefix + "alpha_pattern");
    if (patterns == values.end() || !patterns->is_object()) continue;
    for (const auto& [module, alpha] : patterns->items()) {
      for (auto& [name, change] : changes_) {
        if (names_module(name, module)) change.alpha = number(alpha);
      }
    }
  }
}

std::vector<std::string> LoraFile::targets() const {
  std::vector<std::string> names;
  for (const auto& [name, change] : changes_) names.push_back(name);
  return names;
}

std::pair<std::int64_t, std::int64_t> LoraFile::ranks() const {
  std::pair<std::int64_t, std::int64_t> range{0, 0};
  for (const auto& [name, change] : changes_) {
    if (!change.down.defined()) continue;
    const std::int64_t rank = change.down.size(0);
    range.first = range.first == 0 ? rank : std::min(range.first, rank);
    range.second = std::max(range.second, rank);
  }
  return range;
}

at::Tensor LoraFile::delta(const std::string& name, at::IntArrayRef shape) const {
  const auto found = changes_.find(name);
  if (found == changes_.end()) return {};
  const Change& change = found->second;
  at::Tensor sum = change.whole;
  if (change.down.defined()) {
    const double rank = static_cast<double>(change.down.size(0));
    const double scale = change.alpha == 0 ? 1.0 : change.alpha / rank;
    const at::Tensor product =
        at::matmul(change.up.flatten(1), change.down.flatten(1)) * at::Scalar(scale);
    sum = sum.defined() ? sum.flatten(1) + product : product;
  }
  std::int64_t expected = 1;
  for (const std::int64_t extent : shape) expected *= extent;
  if (sum.numel() != expected || (sum.dim() > 1 && sum.size(0) != shape[0])) {
    fail(name, concat("changes a tensor of ", sum.sizes(), ", the model's is ", shape));
  }
  return sum.reshape(shape);
}

void apply_loras(CheckpointSource& source, const std::vector<LoraUse>& uses) {
  for (const LoraUse& use : uses) {
    const auto lora = std::make_shared<const LoraFile>(LoraFile::open(use.path));
    std::string missing;
    for (const std::string& name : lora->targets()) {
      if (!source.has(name)) missing += (missing.empty() ? "" : ", ") + name;
    }
    if (!missing.empty()) {
      throw FormatError(concat(use.path.string(), ": the model has no ", missing));
    }
    source.add_change([lora, strength = use.strength](const std::string& name, at::Tensor weight) {
      const at::Tensor delta = lora->delta(name, weight.sizes());
      return delta.defined() ? weight.to(at::kFloat) + delta * at::Scalar(strength) : weight;
    });
  }
}

}  // namespace radial::video
