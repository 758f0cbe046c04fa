#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "video/checkpoint/memory_source.h"
#include "video/train/initial_weights.h"

namespace radial::video {

/// The parameters of a training in flat buffers: float32 masters, which the optimiser changes, and
/// what the models compute with: leaves in the compute type (or float32, for the tensors that a
/// model keeps so) whose gradients are views of flat buffers, too. An update is then a handful of
/// kernels, however many tensors there are. See docs/decisions/0011-flat-training-buffers.md.
///
/// A flat buffer has four groups one after the other: compute type with and without weight decay,
/// float32 with and without. Every tensor begins at a multiple of 64 elements, as matrix products
/// want; the gaps are and stay zero.
class Parameters {
 public:
  struct Options {
    at::ScalarType compute = at::kFloat;  ///< float32 or bfloat16
    at::Device device = at::kCPU;
  };

  /// Begins at `initial`; the tensors named by `float32_names` are computed in float32 whatever
  /// the compute type. Throws InvalidArgument without tensors, for a tensor that is not float32,
  /// a name of no tensor or another compute type.
  Parameters(const NamedTensors& initial, const std::set<std::string>& float32_names,
             const Options& options);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  /// The leaves whose names begin with `prefix`, without it: the weights of one model. They share
  /// memory with the buffers, so that a model sees every update.
  TableSource source(std::string_view prefix = "") const;
  /// All leaves by name.
  const NamedTensors& leaves() const { return leaves_; }

  /// Adds the gradients of the leaves to `gradients()` in float32 and clears them: after every
  /// backward pass, so that passes add up at full precision.
  void gather_gradients();
  /// Copies the masters to what the models compute with.
  void publish();

  const at::Tensor& masters() const { return masters_; }      ///< [size] float32
  const at::Tensor& gradients() const { return gradients_; }  ///< [size] float32
  std::int64_t size() const { return masters_.numel(); }      ///< with gaps
  at::Device device() const { return masters_.device(); }

  /// The parts of a flat buffer whose tensors decay, or do not: matrices and kernels do; biases,
  /// norms, modulation and embedding tables do not.
  std::vector<at::Tensor> group(const at::Tensor& flat, bool decays) const;

  /// A flat buffer's tensors by name, as views.
  NamedTensors named(const at::Tensor& flat) const;
  /// Copies `tensors` into `flat`. Throws FormatError, before anything is copied, for a missing
  /// name or another shape or type.
  void assign(const at::Tensor& flat, const NamedTensors& tensors) const;

  /// Whether weight decay applies to a tensor, by its name and number of axes.
  static bool decays(std::string_view name, std::int64_t axes);

 private:
  static constexpr std::size_t kGroups = 4;
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::int64_t elements;
    std::size_t group;
    std::int64_t begin = 0;
  };

  void lay_out(const NamedTensors& initial, const std::set<std::string>& float32_names);
  void make_leaves(const Options& options);
  at::Tensor view(const at::Tensor& flat, const Entry& entry, std::int64_t base = 0) const;

  std::vector<Entry> entries_;
  std::array<std::int64_t, kGroups + 1> begin_{};  // of each group, and the end
  at::Tensor masters_, gradients_;
  // Of the groups in the compute type, then of those in float32.
  std::array<at::Tensor, 2> compute_, compute_gradients_;
  NamedTensors leaves_;
};

}  // namespace radial::video
