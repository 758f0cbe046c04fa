#include "stage/stages.h"

namespace radial::tools {

std::vector<Command> stages() {
  return {tokens_stage(),  text_stage(),   schedule_stage(),
          forward_stage(), decode_stage(), encode_stage()};
}

}  // namespace radial::tools
