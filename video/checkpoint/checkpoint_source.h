#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "video/checkpoint/checkpoint.h"
#include "video/checkpoint/model_part.h"
#include "video/checkpoint/tensor_source.h"

namespace radial::video {

/// What becomes of weights when they are loaded.
struct LoadOptions {
  at::ScalarType dtype = at::kFloat;  ///< floats are converted to it; integers stay
  at::Device device = at::kCPU;
  bool check_finite = true;  ///< a NaN or an infinity in a tensor is a FormatError
};

/// The tensors of a checkpoint under their canonical names, whatever layout the file has. On the
/// CPU a tensor that needs no conversion is a view of the mapped file.
class CheckpointSource : public TensorSource {
 public:
  /// Throws FormatError unless the checkpoint is a network of the kind `expected`.
  CheckpointSource(Checkpoint checkpoint, PartKind expected, LoadOptions options);

  /// What is done to a weight before it is converted: gets its canonical name and the stored
  /// tensor, returns that or a changed one in float32. Changes apply in the order they were added.
  using Change = std::function<at::Tensor(const std::string& name, at::Tensor stored)>;
  void add_change(Change change) { changes_.push_back(std::move(change)); }

  const ModelPart& part() const { return part_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }

  bool has(const std::string& name) const override { return stored_.contains(name); }

 protected:
  std::optional<std::vector<std::int64_t>> shape_of(const std::string& name,
                                                    at::IntArrayRef expected) const override;
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override;
  std::vector<std::string> names() const override;
  std::string description() const override { return checkpoint_.path().string(); }

 private:
  Checkpoint checkpoint_;
  ModelPart part_;
  LoadOptions options_;
  std::vector<Change> changes_;
  std::unordered_map<std::string, std::string> stored_;  // canonical name to name in the file
};

/// torch's name of an element type, and back; the latter throws InvalidArgument for a type that
/// the safetensors format lacks.
at::ScalarType scalar_type(ElementType type);
ElementType element_type(at::ScalarType type);

/// A tensor of a mapped file as a view of the map (a copy where its bytes are not aligned).
at::Tensor view_of(const SafetensorsFile& file, const TensorEntry& entry);

/// Throws FormatError, beginning with `where`, if a floating-point tensor holds a NaN or an
/// infinity.
void require_finite(const at::Tensor& tensor, const std::string& where);

/// All tensors of a small safetensors file (latents, frames, inputs of a stage), copied.
std::map<std::string, at::Tensor> load_tensors(const std::filesystem::path& path);

/// Writes tensors of any device and layout as a safetensors file; see write_safetensors.
void save_tensors(const std::filesystem::path& path,
                  const std::map<std::string, at::Tensor>& tensors,
                  const std::map<std::string, std::string>& metadata = {});

}  // namespace radial::video
