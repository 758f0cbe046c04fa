#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "command.h"
#include "mask/mask_facts.h"
#include "mask/mask_files.h"
#include "mask/mask_picture.h"
#include "mask/mask_report.h"
#include "mask/query_view.h"
#include "options/layout_options.h"
#include "options/option_values.h"
#include "options/rule_options.h"
#include "output/output_file.h"
#include "output/png_file.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

struct MaskRequest {
  LayoutOptions layout;
  RuleOptions rule;
  std::optional<std::string> png_path, save_path, dump_path;
  std::optional<std::int32_t> query_block;
  bool json = false;
  bool list_rules = false;
};

void add_output_options(CLI::App& app, MaskRequest& request) {
  OptionGroup group(app, "What to make");
  const auto add_path = [&](const std::string& name, std::optional<std::string>& path,
                            const std::string& help) {
    group.add_value(
        name, "FILE", [&path](const std::string& text) { path = text; }, help);
  };
  add_path("--png", request.png_path, "Draw the mask: whole, and one row unfolded to the frames");
  group.add_value(
      "--query-block", "N",
      [&request](const std::string& text) {
        request.query_block =
            static_cast<std::int32_t>(parse_integer("--query-block", text, {.least = 0}));
      },
      "The row that --png unfolds; default: in the middle of the video");
  add_path("--save", request.save_path,
           "Write the mask as safetensors: block_mask, uint8 [blocks, blocks]");
  add_path("--dump", request.dump_path, "Write the mask as text: a line of 0 and 1 per block row");
  group.add_flag(
      "--json", [&request] { request.json = true; }, "Print the report as JSON");
  group.add_flag(
      "--rules", [&request] { request.list_rules = true; }, "List all rules and stop");
}

std::unique_ptr<OutputFile> open_output(const char* option,
                                        const std::optional<std::string>& path) {
  return path ? std::make_unique<OutputFile>(option, *path) : nullptr;
}

std::int32_t drawn_query_block(const MaskRequest& request, const MaskFacts& facts) {
  const std::int32_t block = request.query_block.value_or(middle_query_block(facts));
  const std::int32_t count = facts.pattern().num_query_blocks();
  if (block >= count) {
    refuse("--query-block", concat("one of the mask's ", count, " rows, 0 to ", count - 1),
           std::to_string(block));
  }
  return block;
}

int run_mask(const MaskRequest& request) {
  if (request.list_rules) {
    std::fputs(rules_text().c_str(), stdout);
    return kSuccess;
  }
  const ResolvedLayout source = request.layout.resolve(request.rule.block_size());
  const auto png = open_output("--png", request.png_path);
  const auto save = open_output("--save", request.save_path);
  const auto dump = open_output("--dump", request.dump_path);
  const MaskFacts facts =
      collect_facts(source, request.rule.resolve(source.layout, source.maybe_model));
  const std::int32_t query_block = drawn_query_block(request, facts);
  if (png) write_png(*png, draw_mask(facts, query_block), facts.mask.to_string());
  if (save) write_safetensors(*save, facts);
  if (dump) write_text_grid(*dump, facts.pattern());
  for (OutputFile* file : {png.get(), save.get(), dump.get()}) {
    if (file != nullptr) file->commit();
  }
  std::fputs((request.json ? report_json(facts) : report_text(facts)).c_str(), stdout);
  for (const OutputFile* file : {png.get(), save.get(), dump.get()}) {
    if (file != nullptr && !request.json) std::printf("wrote     %s\n", file->path().c_str());
  }
  return kSuccess;
}

std::function<int()> add_mask_options(CLI::App& app) {
  app.footer(
      "Examples:\n"
      "  radial mask --grid 21,45,80 --decay-factor 0.2 --png mask.png\n"
      "  radial mask --model wan2.1 --size 1280x720 --num-frames 81 --rule released-v2\n"
      "  radial mask --model hunyuanvideo --num-frames 253 --density 0.15 --save mask.safetensors");
  auto request = std::make_shared<MaskRequest>();
  request->layout.add_to(app);
  request->rule.add_to(app);
  add_output_options(app, *request);
  return [request] { return run_mask(*request); };
}

}  // namespace

Command mask_command() {
  return {.name = "mask",
          .summary = "Show, draw or save which blocks a mask keeps, and what that saves",
          .add_options = add_mask_options};
}

}  // namespace radial::tools
