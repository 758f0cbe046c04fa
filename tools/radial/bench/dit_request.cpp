#include "bench/dit_request.h"

#include <algorithm>

#include "options/engine_options.h"
#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

video::WanConfig wan_sizes(const std::string& name) {
  video::WanConfig config;
  if (name == "wan2.1-14b") return config;
  if (name == "wan2.1-1.3b") {
    config.num_attention_heads = 12;
    config.num_layers = 30;
    config.ffn_dim = 8960;
    return config;
  }
  refuse("--transformer", "wan2.1-14b or wan2.1-1.3b", name);
}

void add_transformer_options(CLI::App& app, const std::shared_ptr<DitRequest>& request) {
  OptionGroup group(app, "Transformer");
  group.add_value(
      "--transformer", "NAME",
      [request](const std::string& text) {
        request->config = wan_sizes(text);
        request->transformer = text;
      },
      "Its sizes: wan2.1-14b (default) or wan2.1-1.3b; those below change them");
  const auto add_size = [&](const std::string& name, std::int64_t video::WanConfig::*size,
                            const std::string& help) {
    group.add_value(
        name, "N",
        [request, name, size](const std::string& text) {
          request->config.*size = parse_integer(name, text, {.least = 1, .most = 65536});
          request->transformer = "custom sizes";
        },
        help);
  };
  add_size("--layers", &video::WanConfig::num_layers, "Blocks");
  add_size("--heads", &video::WanConfig::num_attention_heads, "Heads");
  add_size("--head-dim", &video::WanConfig::attention_head_dim, "Channels of a head");
  add_size("--ffn-dim", &video::WanConfig::ffn_dim, "Inner width of the feed-forward");
  add_size("--text-dim", &video::WanConfig::text_dim, "Width of the text's embeddings");
}

void add_run_options(CLI::App& app, const std::shared_ptr<DitRequest>& request) {
  OptionGroup group(app, "Measurement");
  group.add_value(
      "--blocks", "N",
      [request](const std::string& text) {
        request->blocks = parse_integer("--blocks", text, {.least = 1, .most = 65536});
      },
      "Hold and time so many blocks only, and scale up to all");
  group.add_value(
      "--device", "NAME",
      [request](const std::string& text) { request->device = parse_device("--device", text); },
      "cpu (default), cuda or cuda:N");
  group.add_value(
      "--dtype", "NAME",
      [request](const std::string& text) { request->dtype = parse_scalar_type("--dtype", text); },
      "float32, bfloat16 (default) or float16");
  group.add_value(
      "--variants", "LIST",
      [request](const std::string& text) {
        request->variants.clear();
        std::size_t begin = 0;
        while (begin <= text.size()) {
          const std::size_t end = std::min(text.find(',', begin), text.size());
          const std::string name = text.substr(begin, end - begin);
          if (name != "dense" && name != "all-blocks" && name != "masked") {
            refuse("--variants", "dense, all-blocks and masked, separated by commas", text);
          }
          request->variants.push_back(name);
          begin = end + 1;
        }
      },
      "Self-attention to time: dense (torch's own), all-blocks (ours, without a mask), masked; "
      "default: dense,all-blocks,masked");
  group.add_value(
      "--rounds", "N",
      [request](const std::string& text) {
        request->rounds =
            static_cast<int>(parse_integer("--rounds", text, {.least = 1, .most = 1000}));
      },
      "Passes of each to take the median of (default 3)");
  group.add_value(
      "--seed,-s", "N",
      [request](const std::string& text) {
        request->seed = static_cast<std::uint64_t>(parse_integer("--seed", text, {.least = 0}));
      },
      "Seed of the random weights and inputs (default 1)");
  CLI::Option* const graph = group.add_flag(
      "--cuda-graph", [request] { request->cuda_graph = true; },
      "Also time passes that are replayed from a CUDA graph");
  group
      .add_flag(
          "--no-cuda-graph", [request] { request->cuda_graph = false; }, "Do not: the default")
      ->excludes(graph);
  group.add_value(
      "--output,-o", "FILE", [request](const std::string& text) { request->output = text; },
      "Also write the report as JSON");
  group.add_flag(
      "--json", [request] { request->json = true; }, "Print the report as JSON");
}

void add_training_options(CLI::App& app, const std::shared_ptr<DitRequest>& request) {
  OptionGroup group(app, "Training");
  group.add_flag(
      "--training-step", [request] { request->training_step = true; },
      "Time a step of a training instead, forward and backward: low-rank changes of the "
      "attentions' projections, each block computed again for its gradients");
  group.add_value(
      "--low-rank", "N",
      [request](const std::string& text) {
        request->training.rank = parse_integer("--low-rank", text, {.least = 1, .most = 4096});
      },
      "Rank of the changes (default 16)");
  group.add_value(
      "--recompute-every", "N",
      [request](const std::string& text) {
        request->training.recompute_every =
            parse_integer("--recompute-every", text, {.least = 1, .most = 65536});
      },
      "Keep what every Nth block begins with (default 1); above 1 blocks are computed three times, "
      "and less is kept");
  group.add_flag(
      "--fused-gradients", [request] { request->fused_gradients = true; },
      "Norms and residuals that keep their inputs alone, instead of torch's");
}

}  // namespace

void add_dit_request_options(CLI::App& app, const std::shared_ptr<DitRequest>& request) {
  request->layout.add_to(app);
  request->rule.add_to(app);
  add_transformer_options(app, request);
  add_training_options(app, request);
  add_run_options(app, request);
}

}  // namespace radial::tools
