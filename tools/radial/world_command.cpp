#include "command.h"
#include "world/world.h"

namespace radial::tools {

Command world_command() {
  return {.name = "world",
          .summary = "Draw clips of the synthetic world with their captions",
          .add_options = add_world_options};
}

}  // namespace radial::tools
