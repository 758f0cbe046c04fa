#include "train_base/parts.h"

namespace radial::tools {

std::vector<Command> training_parts() {
  return {
      vae_part(),
      dit_part(),
  };
}

}  // namespace radial::tools
