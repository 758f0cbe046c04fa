#include "video/text/prompt_encoder.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/from_blob.h>

#include "radial/base/error.h"
#include "video/text/prompt_cleaning.h"

namespace radial::video {

EncodedPrompt encode_prompt(const Tokenizer& tokenizer, const Umt5Encoder& encoder,
                            const std::string& prompt, std::int64_t text_len, at::Device device) {
  Tokens tokens = tokenizer.encode(clean_prompt(prompt), text_len);
  for (std::int64_t index = 0; index < tokens.num_tokens; ++index) {
    const std::int64_t id = tokens.ids[static_cast<std::size_t>(index)];
    if (id >= encoder.config().vocab_size) {
      throw FormatError(concat("the tokenizer has token ", id, ", the text encoder only ",
                               encoder.config().vocab_size));
    }
  }
  // Padding would be masked out of the encoder anyway: it is left out instead.
  const at::Tensor ids =
      at::from_blob(tokens.ids.data(), {1, tokens.num_tokens}, at::TensorOptions().dtype(at::kLong))
          .to(device, at::kLong, /*non_blocking=*/false, /*copy=*/true);
  const at::Tensor embeds = encoder.forward(ids);
  return {at::constant_pad_nd(embeds, {0, 0, 0, text_len - tokens.num_tokens}), tokens.num_tokens,
          tokens.is_cut};
}

}  // namespace radial::video
