#include "command.h"
#include "generate/generate.h"

namespace radial::tools {

Command generate_command() {
  return {.name = "generate",
          .summary = "Turn a prompt into a video",
          .add_options = add_generate_options};
}

}  // namespace radial::tools
