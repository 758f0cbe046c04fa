#include "video/checkpoint/model_part.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace radial::video {
namespace {

using Names = std::unordered_set<std::string_view>;

// Names that give a network away. A file may hold half of a VAE, so one of a row's two suffices.
struct Signature {
  PartKind kind;
  Layout layout;
  std::string_view first;
  std::string_view second;
};

constexpr std::array<Signature, 6> kSignatures{{
    {PartKind::kWanTransformer, Layout::kOfficial, "blocks.0.self_attn.q.weight",
     "blocks.0.cross_attn.q.weight"},
    {PartKind::kWanTransformer, Layout::kDiffusers, "blocks.0.attn1.to_q.weight",
     "blocks.0.attn2.to_q.weight"},
    {PartKind::kWanVae, Layout::kOfficial, "encoder.head.0.gamma", "decoder.head.0.gamma"},
    {PartKind::kWanVae, Layout::kDiffusers, "encoder.norm_out.gamma", "decoder.norm_out.gamma"},
    {PartKind::kUmt5, Layout::kOfficial, "blocks.0.pos_embedding.embedding.weight",
     "blocks.1.pos_embedding.embedding.weight"},
    {PartKind::kUmt5, Layout::kDiffusers,
     "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
     "encoder.block.2.layer.0.SelfAttention.relative_attention_bias.weight"},
}};

constexpr std::array<std::string_view, 5> kPrefixes{"", "model.diffusion_model.",
                                                    "diffusion_model.", "module.", "model."};

// The greatest number that stands for `#` in `pattern`, whatever follows; -1 if there is none.
int greatest_number(const Names& names, std::string_view before, std::string_view after) {
  int greatest = -1;
  for (const std::string_view name : names) {
    if (!name.starts_with(before)) continue;
    const std::string_view rest = name.substr(before.size());
    const std::size_t end = rest.find('.');
    if (end == 0 || end == std::string_view::npos || end > 4) continue;
    const std::string_view digits = rest.substr(0, end);
    if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      continue;
    }
    if (!rest.substr(end).starts_with(after)) continue;
    greatest = std::max(greatest, std::stoi(std::string(digits)));
  }
  return greatest;
}

// Levels and residual blocks of a VAE, from the decoder's numbering; Wan 2.1's where it is absent.
KeyMap vae_key_map(const Names& names, Layout layout) {
  constexpr int kLevels = 4;
  constexpr int kResBlocks = 2;
  constexpr int kMostBlocks = 64;  // beyond it the numbers are no plausible network
  int levels = kLevels;
  int res_blocks = kResBlocks;
  if (layout == Layout::kDiffusers) {
    const int last_level = greatest_number(names, "decoder.up_blocks.", ".");
    const int last_block = greatest_number(names, "decoder.up_blocks.0.resnets.", ".");
    if (last_level >= 0 && last_block >= 1) {
      levels = last_level + 1;
      res_blocks = last_block;
    }
  } else {
    const int last_place = greatest_number(names, "decoder.upsamples.", ".residual.0.gamma");
    int first_resample = -1;
    for (int place = 0; place < std::min(last_place, kMostBlocks) && first_resample < 0; ++place) {
      const std::string name = "decoder.upsamples." + std::to_string(place) + ".resample.1.weight";
      if (names.contains(name)) first_resample = place;
    }
    if (first_resample >= 1) {
      res_blocks = first_resample - 1;
      levels = last_place / (first_resample + 1) + 1;
    } else if (last_place >= 1) {
      res_blocks = last_place;
      levels = 1;
    }
  }
  return wan_vae_key_map(std::min(levels, kMostBlocks), std::min(res_blocks, kMostBlocks));
}

KeyMap key_map_of(PartKind kind, Layout layout, const Names& names) {
  switch (kind) {
    case PartKind::kWanTransformer:
      return wan_key_map();
    case PartKind::kUmt5:
      return umt5_key_map();
    case PartKind::kWanVae:
      break;
  }
  return vae_key_map(names, layout);
}

}  // namespace

std::string_view name_of(PartKind kind) {
  switch (kind) {
    case PartKind::kWanTransformer:
      return "Wan transformer";
    case PartKind::kWanVae:
      return "Wan VAE";
    case PartKind::kUmt5:
      break;
  }
  return "UMT5 encoder";
}

std::string ModelPart::canonical_name(const std::string& stored) const {
  return name_in(Layout::kDiffusers, stored);
}

std::optional<std::string> ModelPart::find_name_in(Layout wanted, const std::string& stored) const {
  if (!stored.starts_with(prefix)) return std::nullopt;
  const std::string name = stored.substr(prefix.size());
  if (wanted == layout) return name;
  return wanted == Layout::kDiffusers ? key_map.to_diffusers(name) : key_map.to_official(name);
}

std::string ModelPart::name_in(Layout wanted, const std::string& stored) const {
  return find_name_in(wanted, stored)
      .value_or(stored.starts_with(prefix) ? stored.substr(prefix.size()) : stored);
}

std::optional<ModelPart> recognise_part(const std::vector<std::string>& names) {
  for (const std::string_view prefix : kPrefixes) {
    Names bare;
    for (const std::string& name : names) {
      if (name.starts_with(prefix)) bare.insert(std::string_view(name).substr(prefix.size()));
    }
    for (const Signature& known : kSignatures) {
      if (!bare.contains(known.first) && !bare.contains(known.second)) continue;
      return ModelPart{known.kind, known.layout, std::string(prefix),
                       key_map_of(known.kind, known.layout, bare)};
    }
  }
  return std::nullopt;
}

}  // namespace radial::video
