#include "video/checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndexEnd = ".safetensors.index.json";

bool ends_with(const fs::path& path, std::string_view end) {
  return path.filename().string().ends_with(end);
}

std::vector<fs::path> files_ending(const fs::path& folder, std::string_view end) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    if (ends_with(file.path(), end) && file.is_regular_file()) found.push_back(file.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

[[noreturn]] void refuse_pickle(const fs::path& path) {
  throw FormatError(concat(path.string(),
                           ": a pickle file is not loaded; make a safetensors file of "
                           "it by: radial convert ",
                           path.filename().string(), " ", path.stem().string(), ".safetensors"));
}

std::string list_of(const std::vector<fs::path>& paths) {
  std::string text;
  for (const fs::path& path : paths) text += (text.empty() ? "" : ", ") + path.filename().string();
  return text;
}

// The one file of a folder that holds the weights.
fs::path file_of_folder(const fs::path& folder) {
  for (const std::string_view end : {kIndexEnd, std::string_view(".safetensors")}) {
    const std::vector<fs::path> found = files_ending(folder, end);
    if (found.size() == 1) return found.front();
    for (const char* usual : {"diffusion_pytorch_model", "model"}) {
      const fs::path name = folder / concat(usual, end);
      if (std::find(found.begin(), found.end(), name) != found.end()) return name;
    }
    if (found.size() > 1) {
      throw FormatError(concat(folder.string(), ": several files of weights (", list_of(found),
                               "), name one of them"));
    }
  }
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    if (file.is_regular_file() && is_pickle_name(file.path())) refuse_pickle(file.path());
  }
  throw FormatError(concat(folder.string(), ": no .safetensors file in this folder"));
}

}  // namespace

bool is_pickle_name(const fs::path& path) {
  constexpr std::array<std::string_view, 5> kEnds{".pth", ".pt", ".bin", ".ckpt", ".pkl"};
  return std::find(kEnds.begin(), kEnds.end(), path.extension().string()) != kEnds.end();
}

Checkpoint Checkpoint::open(const fs::path& path) {
  std::error_code problem;
  if (!fs::exists(path, problem)) throw Error(concat(path.string(), ": no such file or folder"));
  Checkpoint checkpoint(path);
  const fs::path file = fs::is_directory(path) ? file_of_folder(path) : path;
  if (is_pickle_name(file)) refuse_pickle(file);
  if (ends_with(file, kIndexEnd)) {
    checkpoint.add_shards(file);
  } else {
    checkpoint.add_file(file);
  }
  return checkpoint;
}

void Checkpoint::add_file(const fs::path& path) {
  const std::shared_ptr<const SafetensorsFile> file = SafetensorsFile::open(path);
  for (const TensorEntry& entry : file->tensors()) {
    const auto [place, is_new] = tensors_.emplace(entry.name, Tensor{file, &entry});
    if (!is_new) {
      throw FormatError(concat(path.string(), ": tensor ", printable(entry.name), " is also in ",
                               place->second.file->path().filename().string()));
    }
  }
  files_.push_back(file);
}

void Checkpoint::add_shards(const fs::path& index) {
  const std::string source = index.string();
  const nlohmann::json parsed = parse_json_object(read_text_file(source), source);
  const auto map = parsed.find("weight_map");
  if (map == parsed.end() || !map->is_object() || map->empty()) {
    throw FormatError(concat(source, ": weight_map must be an object of tensors and files"));
  }
  std::set<std::string> shards;
  for (const auto& [name, file] : map->items()) {
    // A name with a separator would reach outside the folder.
    if (!file.is_string() ||
        fs::path(file.get<std::string>()).filename() != file.get<std::string>()) {
      throw FormatError(concat(source, ": weight_map: ", printable(name),
                               " must name a file of the "
                               "same folder, got ",
                               printable(file.dump())));
    }
    shards.insert(file.get<std::string>());
  }
  for (const std::string& shard : shards) {
    const fs::path path = index.parent_path() / shard;
    std::error_code problem;
    if (!fs::exists(path, problem)) {
      throw FormatError(concat(source, ": shard ", printable(shard), " is missing"));
    }
    add_file(path);
  }
  for (const auto& [name, file] : map->items()) {
    const Tensor* const found = find(name);
    if (found == nullptr || found->file->path().filename() != file.get<std::string>()) {
      throw FormatError(concat(source, ": tensor ", printable(name), " is not in ",
                               printable(file.get<std::string>())));
    }
  }
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

const Checkpoint::Tensor* Checkpoint::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::uint64_t Checkpoint::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors_) bytes += tensor.entry->bytes;
  return bytes;
}

}  // namespace radial::video
