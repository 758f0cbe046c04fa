#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "video/text/tokenizer.h"
#include "video/text/umt5_encoder.h"

namespace radial::video {

/// A prompt as the transformer takes it.
struct EncodedPrompt {
  at::Tensor embeds;        ///< [1, text_len, d_model]; rows beyond the prompt are zero
  std::int64_t num_tokens;  ///< rows of the prompt, `</s>` included
  bool is_cut;              ///< the prompt was longer than text_len
};

/// Cleans, splits and encodes a prompt, and pads it with zeros to `text_len` rows: Wan attends to
/// all of them. An empty prompt is one `</s>`.
EncodedPrompt encode_prompt(const Tokenizer& tokenizer, const Umt5Encoder& encoder,
                            const std::string& prompt, std::int64_t text_len, at::Device device);

}  // namespace radial::video
