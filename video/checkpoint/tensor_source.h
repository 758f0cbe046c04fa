#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace radial::video {

/// Where a model takes its weights from: a checkpoint, a table of tensors, or nothing but shapes.
///
/// A model asks for every tensor it needs by its canonical name (that of the diffusers layout; of
/// transformers for text encoders) and the shape it expects, then calls finish():
///
///     const TensorScope attention = TensorScope(source) / "blocks.0" / "attn1";
///     const at::Tensor to_q = attention.tensor("to_q.weight", {dim, dim});
///     ...
///     source.finish();
///
/// A tensor that is missing or has another shape does not stop the loading: a tensor on the meta
/// device stands in for it, so that finish() lists every problem at once.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  TensorSource() = default;
  TensorSource(const TensorSource&) = delete;
  TensorSource& operator=(const TensorSource&) = delete;

  /// The tensor `name` [shape...] on the source's device, in the source's element type or, for a
  /// weight whose type does not follow the model's, in `dtype`.
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape,
                    std::optional<at::ScalarType> dtype = std::nullopt);

  /// Whether there is a tensor of this name; asking does not count as taking it.
  virtual bool has(const std::string& name) const = 0;

  /// Throws FormatError, one line, that lists the missing, the misshapen and the unexpected
  /// tensors, if there are any. Unexpected is what the source holds and nobody asked for.
  void finish() const;

 protected:
  /// The shape of the tensor `name`, or nothing if there is no such tensor.
  virtual std::optional<std::vector<std::int64_t>> shape_of(const std::string& name,
                                                            at::IntArrayRef expected) const = 0;
  /// The tensor `name`; called only if its shape is the expected one.
  virtual at::Tensor load(const std::string& name, at::IntArrayRef shape,
                          std::optional<at::ScalarType> dtype) = 0;
  /// Names of all tensors the source holds.
  virtual std::vector<std::string> names() const = 0;
  /// What the source is, for messages: a path.
  virtual std::string description() const = 0;

 private:
  std::unordered_set<std::string> taken_;
  std::vector<std::string> missing_;
  std::vector<std::string> misshapen_;
};

/// A source with a prefix before every name, so that a layer needs to know only its own weights.
class TensorScope {
 public:
  explicit TensorScope(TensorSource& source, std::string prefix = "")
      : source_(&source), prefix_(std::move(prefix)) {}

  /// The scope one step further in: `scope / "blocks.0" / "attn1"`.
  TensorScope operator/(std::string_view child) const {
    return TensorScope(*source_, full_name(child));
  }
  at::Tensor tensor(std::string_view name, at::IntArrayRef shape,
                    std::optional<at::ScalarType> dtype = std::nullopt) const {
    return source_->tensor(full_name(name), shape, dtype);
  }
  bool has(std::string_view name) const { return source_->has(full_name(name)); }

 private:
  std::string full_name(std::string_view name) const {
    return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
  }

  TensorSource* source_;
  std::string prefix_;
};

}  // namespace radial::video
