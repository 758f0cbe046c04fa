#include "video/checkpoint/checkpoint_source.h"

#include <ATen/ops/aminmax.h>
#include <ATen/ops/from_blob.h>

#include <cmath>
#include <cstdint>

#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"
#include "video/nn/interruption.h"

namespace radial::video {
namespace {

ModelPart part_of(const Checkpoint& checkpoint, PartKind expected) {
  std::optional<ModelPart> part = recognise_part(checkpoint.names());
  if (!part || part->kind != expected) {
    throw FormatError(concat(checkpoint.path().string(), ": expected a ", name_of(expected),
                             ", got ", part ? name_of(part->kind) : "unknown tensors"));
  }
  return *std::move(part);
}

}  // namespace

CheckpointSource::CheckpointSource(Checkpoint checkpoint, PartKind expected, LoadOptions options)
    : checkpoint_(std::move(checkpoint)), part_(part_of(checkpoint_, expected)), options_(options) {
  for (const std::string& name : checkpoint_.names()) {
    const auto [place, is_new] = stored_.emplace(part_.canonical_name(name), name);
    if (!is_new) {
      throw FormatError(concat(description(), ": ", printable(name), " and ",
                               printable(place->second), " are the same tensor"));
    }
  }
  // transformers stores the embedding of a text encoder under two names in some files.
  if (expected == PartKind::kUmt5 && stored_.contains("shared.weight")) {
    stored_.erase("encoder.embed_tokens.weight");
  }
}

std::optional<std::vector<std::int64_t>> CheckpointSource::shape_of(const std::string& name,
                                                                    at::IntArrayRef) const {
  const auto stored = stored_.find(name);
  if (stored == stored_.end()) return std::nullopt;
  return checkpoint_.find(stored->second)->entry->shape;
}

at::Tensor CheckpointSource::load(const std::string& name, at::IntArrayRef,
                                  std::optional<at::ScalarType> dtype) {
  stop_if_requested();
  const std::string& stored = stored_.at(name);
  const Checkpoint::Tensor& place = *checkpoint_.find(stored);
  const at::Tensor view = view_of(*place.file, *place.entry);
  at::Tensor tensor = view;
  if (options_.check_finite) {
    require_finite(tensor, concat(place.file->path().string(), ": tensor ", printable(stored)));
  }
  for (const Change& change : changes_) tensor = change(name, std::move(tensor));
  const bool converts = tensor.is_floating_point();
  const at::Tensor loaded = converts ? tensor.to(options_.device, dtype.value_or(options_.dtype))
                                     : tensor.to(options_.device);
  const bool is_copy = loaded.unsafeGetTensorImpl() != view.unsafeGetTensorImpl();
  // What was only read to be converted would otherwise stay resident beside what came of it.
  if (is_copy && !loaded.is_meta()) place.file->map()->release(place.file->data(*place.entry));
  return loaded;
}

std::vector<std::string> CheckpointSource::names() const {
  std::vector<std::string> names;
  for (const auto& [name, stored] : stored_) names.push_back(name);
  return names;
}

void require_finite(const at::Tensor& tensor, const std::string& where) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return;
  // 8-bit floats have no comparisons of their own.
  const at::Tensor values = tensor.element_size() == 1 ? tensor.to(at::kFloat) : tensor;
  const auto [least, greatest] = at::aminmax(values);
  if (std::isfinite(least.item<double>()) && std::isfinite(greatest.item<double>())) return;
  throw FormatError(concat(where, " holds a NaN or an infinity"));
}

}  // namespace radial::video
