#include "train_base/parts.h"

#include "train_base/curves.h"

namespace radial::tools {

std::vector<Command> training_parts() {
  return {
      vae_part(),   latents_part(),  text_part(),   dit_part(),
      model_part(), evaluate_part(), curves_part(),
  };
}

}  // namespace radial::tools
