#include "mask/mask_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace radial::tools {
namespace {

// Rows of the block grid as characters: `on` where a block is kept, `off` elsewhere.
template <typename Write>
void for_each_row(const BlockPattern& pattern, char off, char on, const Write& write) {
  std::string row;
  for (std::int32_t r = 0; r < pattern.num_query_blocks(); ++r) {
    row.assign(pattern.num_key_blocks(), off);
    for (const BlockRun& run : pattern.row_runs(r)) {
      std::fill_n(row.begin() + run.begin, run.length, on);
    }
    write(row);
  }
}

std::string safetensors_header(const MaskFacts& facts) {
  const std::int64_t rows = facts.pattern().num_query_blocks();
  const std::int64_t columns = facts.pattern().num_key_blocks();
  const VideoLayout& layout = facts.source.layout;
  nlohmann::ordered_json parameters;
  for (const Parameter& parameter : facts.parameters) {
    parameters[parameter.name] = nlohmann::ordered_json::parse(parameter.value);
  }
  // The format allows only strings in its metadata.
  nlohmann::ordered_json header;
  header["__metadata__"] = {
      {"format", "pt"},
      {"radial.rule", facts.rule.name},
      {"radial.rule_version", facts.rule.version},
      {"radial.parameters", parameters.dump()},
      {"radial.layout", fmt::format("{},{},{}", layout.frames, layout.grid_h, layout.grid_w)},
      {"radial.description", facts.plan.description()},
      {"radial.reference_tokens", std::to_string(layout.reference_tokens)},
      {"radial.text_tokens", std::to_string(layout.text_tokens)},
      {"radial.total_tokens", std::to_string(layout.total_tokens())}};
  header["block_mask"] = {
      {"dtype", "U8"}, {"shape", {rows, columns}}, {"data_offsets", {0, rows * columns}}};
  std::string text = header.dump();
  // Readers map the data in place: it starts on a multiple of 8 bytes.
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void write_text_grid(OutputFile& file, const BlockPattern& pattern) {
  for_each_row(pattern, '0', '1', [&](std::string& row) {
    row += '\n';
    file.write(row);
  });
}

void write_safetensors(OutputFile& file, const MaskFacts& facts) {
  const std::string header = safetensors_header(facts);
  std::array<std::byte, 8> length{};  // little endian
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>(header.size() >> (8 * i) & 0xFF);
  }
  file.write(length);
  file.write(header);
  for_each_row(facts.pattern(), '\0', '\1', [&](const std::string& row) { file.write(row); });
}

}  // namespace radial::tools
