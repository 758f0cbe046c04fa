#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "video/checkpoint/key_map.h"

namespace radial::video {

/// Which network a set of tensors is.
enum class PartKind { kWanTransformer, kWanVae, kUmt5 };

std::string_view name_of(PartKind kind);

/// A network's kind, how its tensors are named, and their names.
struct ModelPart {
  PartKind kind;
  Layout layout;
  std::string prefix;  ///< stands before every name, such as "model.diffusion_model."
  KeyMap key_map;

  /// The canonical (diffusers) name of a stored tensor; a name that no row fits comes back as it
  /// is.
  std::string canonical_name(const std::string& stored) const;
  /// The name in the wanted layout, without prefix; nothing if no row fits.
  std::optional<std::string> find_name_in(Layout wanted, const std::string& stored) const;
  /// The same, but a name that no row fits comes back as it is.
  std::string name_in(Layout wanted, const std::string& stored) const;
};

/// Recognises a network by the names of its tensors. Nothing if it is none of the known ones.
std::optional<ModelPart> recognise_part(const std::vector<std::string>& names);

}  // namespace radial::video
