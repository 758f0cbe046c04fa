#pragma once

#include <map>
#include <string>
#include <vector>

#include "video/checkpoint/tensor_source.h"

namespace radial::video {

/// A table of tensors as a source: weights made in memory, by a test or a training run.
class TableSource : public TensorSource {
 public:
  explicit TableSource(std::map<std::string, at::Tensor> tensors);

  bool has(const std::string& name) const override { return tensors_.contains(name); }

 protected:
  std::optional<std::vector<std::int64_t>> shape_of(const std::string& name,
                                                    at::IntArrayRef expected) const override;
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override;
  std::vector<std::string> names() const override;
  std::string description() const override { return "table of tensors"; }

 private:
  std::map<std::string, at::Tensor> tensors_;
};

/// Has every tensor in whatever shape is asked for, on the meta device, and notes name, shape and
/// element type: what a model consists of, without its memory.
class ShapeSource : public TensorSource {
 public:
  explicit ShapeSource(at::ScalarType dtype) : dtype_(dtype) {}

  bool has(const std::string&) const override { return true; }
  /// Name and shape of each tensor asked for.
  const std::map<std::string, std::vector<std::int64_t>>& shapes() const { return shapes_; }
  /// Name and element type of each tensor asked for: the source's, or the one it was asked for in.
  const std::map<std::string, at::ScalarType>& dtypes() const { return dtypes_; }
  /// Elements in all tensors asked for.
  std::int64_t num_parameters() const;

 protected:
  std::optional<std::vector<std::int64_t>> shape_of(const std::string& name,
                                                    at::IntArrayRef expected) const override;
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override;
  std::vector<std::string> names() const override { return {}; }
  std::string description() const override { return "shapes"; }

 private:
  at::ScalarType dtype_;
  std::map<std::string, std::vector<std::int64_t>> shapes_;
  std::map<std::string, at::ScalarType> dtypes_;
};

}  // namespace radial::video
