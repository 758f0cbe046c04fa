#include "options/attention_preset.h"

#include "options/option_values.h"

namespace radial::tools {

AttentionPreset attention_preset(const std::string& name) {
  // Sources: mit-han-lab/radial-attention. paper: its Wan 2.1 script and the rule its authors give
  // for other numbers of steps (issue 46: a quarter). long: its settings for two and four times the
  // length, which are those of the paper's tables C and D. fast: its script for 4-step adapters.
  if (name == "paper") return {.decay_factor = 0.2, .dense_layers = 1, .dense_steps = {}};
  if (name == "long") return {.decay_factor = 1.0, .dense_layers = 2, .dense_steps = 2};
  if (name == "fast") return {.decay_factor = 0.2, .dense_layers = 1, .dense_steps = 1};
  refuse("--preset", "paper, long or fast", name);
}

}  // namespace radial::tools
