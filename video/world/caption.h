#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "video/world/scene.h"

namespace radial::video {

/// What a caption says of one body.
struct BodyFacts {
  BodyColor color;
  BodyShape shape;
  Motion motion;
  bool operator==(const BodyFacts&) const = default;
};

/// What a caption says. How many bodies there are follows from the list.
struct CaptionFacts {
  std::vector<BodyFacts> bodies;            ///< in the order of BodyColor, whatever the caption's
  CameraMove camera = CameraMove::kStatic;  ///< static when the caption does not mention it
  std::optional<Ground> ground;             ///< absent when the caption does not mention it
  std::optional<Sky> sky;                   ///< likewise
  bool operator==(const CaptionFacts&) const = default;
};

/// All facts of `scene`, ground and sky among them.
CaptionFacts facts_of(const Scene& scene);

/// English text about `scene`. Variant 0 is the plain form: the first phrase for every fact, bodies
/// in their order, the camera if it moves. The others draw synonyms, word order and sentence forms
/// from the grammar (docs/world.md) by the scene's `look` and the variant; they may leave out
/// ground, sky, and a camera that stands still, never what a body is and does or how the camera
/// moves. The same on every machine.
std::string caption(const Scene& scene, std::uint64_t variant);

/// What `text` says, if it is put in the phrases of the grammar: each body by colour, shape and
/// motion in any order. Upper case and punctuation have no meaning. Throws InvalidArgument, naming
/// the first word that is in no phrase, or what is missing or said twice.
CaptionFacts parse_caption(std::string_view text);

/// A prompt of the evaluation set, and a scene that shows it.
struct HeldOutPrompt {
  std::string text;
  CaptionFacts facts;  ///< what `text` says
  Scene scene;         ///< is_held_out(scene)
};

inline constexpr int kMaxHeldOutPrompts = 500;

/// The first `count` prompts of the evaluation set, always the same; a longer list begins with a
/// shorter one. Chosen so that shapes, colours, motions, camera moves and numbers of bodies occur
/// about equally often. Throws InvalidArgument unless 1 <= count <=
/// kMaxHeldOutPrompts.
std::vector<HeldOutPrompt> held_out_prompts(int count);

}  // namespace radial::video
