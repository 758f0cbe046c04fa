// The key maps of the Wan parts. Sources: Wan-Video/Wan2.1 wan/modules/{model,vae,t5}.py for the
// official names, huggingface/diffusers transformer_wan.py and autoencoder_kl_wan.py, and
// huggingface/transformers modeling_umt5.py for the others.
#include <string>

#include "video/checkpoint/key_map.h"

namespace radial::video {
namespace {

using Rows = std::vector<KeyMap::Row>;

// Both attentions of a block; the image branch exists in the second alone.
void add_attention(Rows& rows, const std::string& official, const std::string& diffusers) {
  rows.insert(rows.end(), {{official + ".q.*", diffusers + ".to_q.*"},
                           {official + ".k.*", diffusers + ".to_k.*"},
                           {official + ".v.*", diffusers + ".to_v.*"},
                           {official + ".o.*", diffusers + ".to_out.0.*"},
                           {official + ".norm_q.*", diffusers + ".norm_q.*"},
                           {official + ".norm_k.*", diffusers + ".norm_k.*"},
                           {official + ".k_img.*", diffusers + ".add_k_proj.*"},
                           {official + ".v_img.*", diffusers + ".add_v_proj.*"},
                           {official + ".norm_k_img.*", diffusers + ".norm_added_k.*"}});
}

Rows wan_rows() {
  Rows rows{
      {"patch_embedding.*", "patch_embedding.*"},
      {"time_embedding.0.*", "condition_embedder.time_embedder.linear_1.*"},
      {"time_embedding.2.*", "condition_embedder.time_embedder.linear_2.*"},
      {"time_projection.1.*", "condition_embedder.time_proj.*"},
      {"text_embedding.0.*", "condition_embedder.text_embedder.linear_1.*"},
      {"text_embedding.2.*", "condition_embedder.text_embedder.linear_2.*"},
      {"img_emb.proj.0.*", "condition_embedder.image_embedder.norm1.*"},
      {"img_emb.proj.1.*", "condition_embedder.image_embedder.ff.net.0.proj.*"},
      {"img_emb.proj.3.*", "condition_embedder.image_embedder.ff.net.2.*"},
      {"img_emb.proj.4.*", "condition_embedder.image_embedder.norm2.*"},
      {"img_emb.emb_pos", "condition_embedder.image_embedder.pos_embed"},
      {"blocks.#.modulation", "blocks.#.scale_shift_table"},
      // The affine norm before the cross-attention. The other two norms have no weights.
      {"blocks.#.norm3.*", "blocks.#.norm2.*"},
      {"blocks.#.ffn.0.*", "blocks.#.ffn.net.0.proj.*"},
      {"blocks.#.ffn.2.*", "blocks.#.ffn.net.2.*"},
      {"head.modulation", "scale_shift_table"},
      {"head.head.*", "proj_out.*"},
  };
  add_attention(rows, "blocks.#.self_attn", "blocks.#.attn1");
  add_attention(rows, "blocks.#.cross_attn", "blocks.#.attn2");
  return rows;
}

Rows umt5_rows() {
  const std::string attention = "encoder.block.#.layer.0.";
  const std::string feed_forward = "encoder.block.#.layer.1.";
  return {
      {"token_embedding.*", "shared.*"},
      {"norm.*", "encoder.final_layer_norm.*"},
      {"blocks.#.norm1.*", attention + "layer_norm.*"},
      {"blocks.#.attn.q.*", attention + "SelfAttention.q.*"},
      {"blocks.#.attn.k.*", attention + "SelfAttention.k.*"},
      {"blocks.#.attn.v.*", attention + "SelfAttention.v.*"},
      {"blocks.#.attn.o.*", attention + "SelfAttention.o.*"},
      {"blocks.#.pos_embedding.embedding.*", attention + "SelfAttention.relative_attention_bias.*"},
      {"blocks.#.norm2.*", feed_forward + "layer_norm.*"},
      {"blocks.#.ffn.gate.0.*", feed_forward + "DenseReluDense.wi_0.*"},
      {"blocks.#.ffn.fc1.*", feed_forward + "DenseReluDense.wi_1.*"},
      {"blocks.#.ffn.fc2.*", feed_forward + "DenseReluDense.wo.*"},
  };
}

// The places within an official residual block: norm, SiLU, conv, norm, SiLU, dropout, conv.
void add_residual_block(Rows& rows, const std::string& official, const std::string& diffusers) {
  rows.insert(rows.end(), {{official + ".residual.0.*", diffusers + ".norm1.*"},
                           {official + ".residual.2.*", diffusers + ".conv1.*"},
                           {official + ".residual.3.*", diffusers + ".norm2.*"},
                           {official + ".residual.6.*", diffusers + ".conv2.*"},
                           {official + ".shortcut.*", diffusers + ".conv_shortcut.*"}});
}

void add_resample(Rows& rows, const std::string& official, const std::string& diffusers) {
  rows.emplace_back(official + ".resample.1.*", diffusers + ".resample.1.*");
  rows.emplace_back(official + ".time_conv.*", diffusers + ".time_conv.*");
}

// What encoder and decoder have alike.
void add_half(Rows& rows, const std::string& half) {
  rows.emplace_back(half + ".conv1.*", half + ".conv_in.*");
  add_residual_block(rows, half + ".middle.0", half + ".mid_block.resnets.0");
  rows.emplace_back(half + ".middle.1.*", half + ".mid_block.attentions.0.*");
  add_residual_block(rows, half + ".middle.2", half + ".mid_block.resnets.1");
  rows.emplace_back(half + ".head.0.*", half + ".norm_out.*");
  rows.emplace_back(half + ".head.2.*", half + ".conv_out.*");
}

}  // namespace

const KeyMap& wan_key_map() {
  static const KeyMap map(wan_rows());
  return map;
}

const KeyMap& umt5_key_map() {
  static const KeyMap map(umt5_rows());
  return map;
}

KeyMap wan_vae_key_map(int num_levels, int num_res_blocks) {
  Rows rows{{"conv1.*", "quant_conv.*"}, {"conv2.*", "post_quant_conv.*"}};
  add_half(rows, "encoder");
  add_half(rows, "decoder");
  add_residual_block(rows, "encoder.downsamples.#", "encoder.down_blocks.#");
  add_resample(rows, "encoder.downsamples.#", "encoder.down_blocks.#");
  int place = 0;
  for (int level = 0; level < num_levels; ++level) {
    const std::string block = "decoder.up_blocks." + std::to_string(level);
    for (int index = 0; index <= num_res_blocks; ++index, ++place) {
      add_residual_block(rows, "decoder.upsamples." + std::to_string(place),
                         block + ".resnets." + std::to_string(index));
    }
    if (level + 1 < num_levels) {
      add_resample(rows, "decoder.upsamples." + std::to_string(place), block + ".upsamplers.0");
      ++place;
    }
  }
  return KeyMap(std::move(rows));
}

}  // namespace radial::video
