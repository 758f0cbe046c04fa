#include "generate/request.h"

#include <limits>
#include <type_traits>

#include "options/option_values.h"

namespace radial::tools {
namespace {

constexpr IntegerRange kExtent{.least = 1, .most = 1 << 16};
constexpr int kDefaultKeepEvery = 5;

// The type of a number that may not have been given.
template <class Number>
Number number_type(const std::optional<Number>&);
template <class Number>
Number number_type(const Number&);

void add_prompt_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "What to show");
  CLI::Option* const prompt = group.add_value(
      "--prompt,-p", "TEXT", [&request](const std::string& text) { request.prompt = text; },
      "What the video shows");
  group
      .add_value(
          "--prompts-file", "FILE",
          [&request](const std::string& text) { request.prompts_path = text; },
          "A video for each line; blank lines and lines that begin with # are skipped")
      ->excludes(prompt);
  group.add_value(
      "--negative-prompt,-n", "TEXT",
      [&request](const std::string& text) { request.negative_prompt = text; },
      "What it does not show; default: empty");
  group.add_value(
      "--cfg-scale,--guidance-scale,--sample-guide-scale", "X",
      [&request](const std::string& text) {
        request.guidance = parse_number("--cfg-scale", text, 0, 100);
      },
      "How closely to follow the prompt; above 1 each step takes two passes. Default 5");
  group.add_value(
      "--seed,-s,--base-seed", "N",
      [&request](const std::string& text) {
        request.seed = static_cast<std::uint64_t>(parse_integer(
            "--seed", text, {.least = 0, .most = std::numeric_limits<std::int64_t>::max()}));
      },
      "Of the initial noise, the same on every device; default 0");
}

void add_size_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "Size");
  const auto add_count = [&](const std::string& names, const std::string& option, auto& target,
                             const std::string& help) {
    return group.add_value(
        names, "N",
        [&target, option](const std::string& text) {
          const std::int64_t count = parse_integer(option, text, kExtent);
          target = static_cast<decltype(number_type(target))>(count);
        },
        help);
  };
  CLI::Option* const width =
      add_count("--width,-W", "--width", request.width, "Width in pixels; default 832");
  CLI::Option* const height =
      add_count("--height,-H", "--height", request.height, "Height in pixels; default 480");
  CLI::Option* const size = group.add_value(
      "--size", "WxH",
      [&request](const std::string& text) {
        const auto sizes = parse_integers("--size", text, "xX*", 2, "WxH");
        request.width = parse_integer("--size", std::to_string(sizes[0]), kExtent);
        request.height = parse_integer("--size", std::to_string(sizes[1]), kExtent);
      },
      "Both at once, such as 832x480 or 832*480");
  CLI::Option* const pair = group.add_pair(
      "--video-size", "H W",
      [&request](const std::string& rows, const std::string& columns) {
        request.height = parse_integer("--video-size", rows, kExtent);
        request.width = parse_integer("--video-size", columns, kExtent);
      },
      "Both at once, height first");
  size->excludes(width)->excludes(height)->excludes(pair);
  pair->excludes(width)->excludes(height);
  add_count("--num-frames,--video-frames,--frame-num,--video-length", "--num-frames",
            request.size.num_frames, "Frames, 4k+1; default 81");
  add_count("--fps", "--fps", request.fps, "Frames a second in the file; default 16");
  group.add_flag(
      "--vae-tiling", [&request] { request.vae_pass.tiling = video::VaeTiling{}; },
      "Decode in tiles of 256 x 256 pixels: less memory");
}

void add_file_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "Files");
  const auto add_path = [&](const std::string& names, std::optional<std::string>& target,
                            const std::string& help) {
    group.add_value(
        names, "FILE", [&target](const std::string& text) { target = text; }, help);
  };
  add_path("--diffusion-model,--dit", request.diffusion_model,
           "Another transformer for the same folder");
  add_path("--latents", request.latents_path,
           "Take the initial noise from here: safetensors, latents [1, C, F, H, W]");
  add_path("--save-latents", request.save_latents_path, "Write the final latents likewise");
  add_path("--save-frames", request.save_frames_path,
           "Write the frames as safetensors: frames [1, F, 3, H, W] in [0, 1]");
  add_path("--config", request.config_path,
           "JSON with options by name, such as {\"steps\": 30}; what the command line says wins");
  group.add_value(
      "--output,-o,--save-file,--save-path,--output-file,--save-result-path", "FILE",
      [&request](const std::string& text) { request.output_path = text; },
      "The video: FILE.mp4, FILE.png (the first frame) or a folder for all frames as PNG; numbered "
      "with --prompts-file");
}

void add_run_options(CLI::App& app, GenerateRequest& request) {
  OptionGroup group(app, "The run");
  group.add_value(
      "--keep-every", "N",
      [&request](const std::string& text) {
        request.keep_every =
            static_cast<int>(parse_integer("--keep-every", text, {.least = 1, .most = 1000}));
      },
      "Every N steps keep the state of the run in OUTPUT.resume.safetensors, to be resumed");
  group.add_flag(
      "--resume",
      [&request] {
        request.resume = true;
        if (request.keep_every == 0) request.keep_every = kDefaultKeepEvery;
      },
      "Go on from the state that an interrupted run of the same settings kept, if there is one; "
      "keeps the state, too (every 5 steps unless told otherwise)");
  group.add_value(
      "--preview,--preview-path", "FILE.png",
      [&request](const std::string& text) { request.preview_path = text; },
      "While it runs show here what the first frame would become");
  group.add_value(
      "--preview-interval", "N",
      [&request](const std::string& text) {
        request.preview_interval =
            static_cast<int>(parse_integer("--preview-interval", text, {.least = 1, .most = 1000}));
      },
      "Steps from one preview to the next; default 5");
  CLI::Option* const graph = group.add_flag(
      "--cuda-graph", [&request] { request.cuda_graph = true; },
      "On a GPU, record a pass of each kind as a CUDA graph and replay it");
  group
      .add_flag(
          "--no-cuda-graph", [&request] { request.cuda_graph = false; },
          "Queue every kernel of every pass: the default")
      ->excludes(graph);
  group.add_flag(
      "--print-mask-stats", [&request] { request.print_mask_stats = true; },
      "Print the blocks that the mask keeps: how many, and how many a row");
  group.add_flag(
      "--dry-run", [&request] { request.dry_run = true; },
      "Check everything, files included, and say what would be done");
  group.add_flag(
      "--json", [&request] { request.json = true; },
      "Print one JSON object: settings, plan, times, memory");
  group.add_flag(
      "--quiet,-q", [&request] { request.quiet = true; }, "Print nothing but errors");
}

}  // namespace

std::vector<std::string> finish_request(GenerateRequest& request) {
  if (request.task) {
    request.size.width = request.task->width;
    request.size.height = request.task->height;
  }
  if (request.width) request.size.width = *request.width;
  if (request.height) request.size.height = *request.height;
  if (request.cuda_graph && !request.engine.load().device.is_cuda()) {
    refuse("--cuda-graph", "--device cuda", request.engine.load().device.str());
  }
  std::vector<std::string> notes;
  if (request.engine.text_on_cpu() && request.engine.load().device.is_cpu()) {
    notes.push_back("--t5-cpu changes nothing: all parts run on the CPU");
  }
  for (const std::string& option : request.offload.given()) {
    if (!request.engine.load().device.is_cpu()) break;
    notes.push_back(option + " changes nothing: all parts run on the CPU");
  }
  return notes;
}

void add_request_options(CLI::App& app, GenerateRequest& request) {
  request.engine.add_to(app);
  request.engine.add_lora_to(app);
  request.engine.add_parts_to(app);
  OptionGroup(app, "Model")
      .add_value(
          "--task", "NAME", [&request](const std::string& text) { request.task = &wan_task(text); },
          "t2v-1.3B or t2v-14B: that the model is this one, and its defaults of size and shift");
  request.offload.add_to(app);
  add_prompt_options(app, request);
  add_size_options(app, request);
  request.sampling.add_to(app);
  request.attention.add_to(app);
  add_file_options(app, request);
  add_run_options(app, request);
}

}  // namespace radial::tools
