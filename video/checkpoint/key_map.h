#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace radial::video {

/// How the tensors of a model part are named.
enum class Layout {
  kOfficial,   ///< as in the model authors' repository
  kDiffusers,  ///< as in diffusers and transformers: the canonical names of this project
};

std::string_view name_of(Layout layout);

/// The names of one model part's tensors in both layouts, as a table of patterns: `#` stands for a
/// number, `*` at the end for the rest of the name.
class KeyMap {
 public:
  using Row = std::pair<std::string, std::string>;  ///< official, diffusers

  explicit KeyMap(std::vector<Row> rows) : rows_(std::move(rows)) {}

  /// The other layout's name of a tensor, or nothing if no row fits.
  std::optional<std::string> to_diffusers(std::string_view official) const;
  std::optional<std::string> to_official(std::string_view diffusers) const;

  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

/// The diffusion transformer of Wan 2.1 and 2.2, image branch included.
const KeyMap& wan_key_map();

/// The UMT5 encoder; the diffusers layout is that of transformers.
const KeyMap& umt5_key_map();

/// The VAE of Wan 2.1. The official decoder numbers its blocks in one row, diffusers by level.
KeyMap wan_vae_key_map(int num_levels, int num_res_blocks);

}  // namespace radial::video
