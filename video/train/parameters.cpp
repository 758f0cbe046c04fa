#include "video/train/parameters.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "radial/base/error.h"

namespace radial::video {
namespace {

constexpr std::int64_t kAlignment = 64;  // elements
constexpr std::size_t kFirstFloat32Group = 2;

std::size_t group_of(bool float32, bool decays) {
  return (float32 ? kFirstFloat32Group : 0) + (decays ? 0 : 1);
}

std::int64_t aligned(std::int64_t count) {
  return (count + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

bool Parameters::decays(std::string_view name, std::int64_t axes) {
  return axes >= 2 && name.ends_with(".weight") && !name.ends_with("shared.weight") &&
         !name.ends_with("relative_attention_bias.weight");
}

Parameters::Parameters(const NamedTensors& initial, const std::set<std::string>& float32_names,
                       const Options& options) {
  RADIAL_REQUIRE(!initial.empty(), "initial: expected tensors, got none");
  RADIAL_REQUIRE(options.compute == at::kFloat || options.compute == at::kBFloat16,
                 "compute: expected float32 or bfloat16, got ", options.compute);
  for (const auto& [name, tensor] : initial) {
    RADIAL_REQUIRE(tensor.scalar_type() == at::kFloat, "initial: expected float32, got ",
                   tensor.scalar_type(), " for ", name);
  }
  for (const std::string& name : float32_names) {
    RADIAL_REQUIRE(initial.contains(name), "float32_names: expected names of tensors, got ", name);
  }
  const at::NoGradGuard no_grad;
  lay_out(initial, float32_names);
  masters_ = at::zeros({begin_.back()}, at::TensorOptions(options.device).dtype(at::kFloat));
  gradients_ = at::zeros_like(masters_);
  for (const Entry& entry : entries_) view(masters_, entry).copy_(initial.at(entry.name));
  make_leaves(options);
  publish();
}

void Parameters::lay_out(const NamedTensors& initial, const std::set<std::string>& float32_names) {
  std::int64_t end = 0;
  for (std::size_t group = 0; group < kGroups; ++group) {
    begin_[group] = end;
    for (const auto& [name, tensor] : initial) {
      if (group_of(float32_names.contains(name), decays(name, tensor.dim())) != group) continue;
      entries_.push_back({name, tensor.sizes().vec(), tensor.numel(), group, end});
      end += aligned(tensor.numel());
    }
  }
  begin_.back() = end;
}

void Parameters::make_leaves(const Options& options) {
  const std::int64_t border = begin_[kFirstFloat32Group];
  compute_[0] = at::zeros({border}, at::TensorOptions(options.device).dtype(options.compute));
  compute_[1] =
      at::zeros({begin_.back() - border}, at::TensorOptions(options.device).dtype(at::kFloat));
  compute_gradients_ = {at::zeros_like(compute_[0]), at::zeros_like(compute_[1])};
  for (const Entry& entry : entries_) {
    const std::size_t part = entry.group < kFirstFloat32Group ? 0 : 1;
    const std::int64_t base = part == 0 ? 0 : border;
    // variable_data has a version counter of its own: an update in the flat buffer is no in-place
    // change to the views that a model has made of its weights.
    at::Tensor leaf = view(compute_[part], entry, base).variable_data();
    leaf.set_requires_grad(true);
    leaf.mutable_grad() = view(compute_gradients_[part], entry, base);
    leaves_.emplace(entry.name, std::move(leaf));
  }
}

at::Tensor Parameters::view(const at::Tensor& flat, const Entry& entry, std::int64_t base) const {
  return flat.narrow(0, entry.begin - base, entry.elements).view(entry.shape);
}

TableSource Parameters::source(std::string_view prefix) const {
  NamedTensors found;
  for (const auto& [name, leaf] : leaves_) {
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), leaf);
  }
  return TableSource(std::move(found));
}

void Parameters::gather_gradients() {
  const at::NoGradGuard no_grad;
  const std::int64_t border = begin_[kFirstFloat32Group];
  gradients_.narrow(0, 0, border).add_(compute_gradients_[0]);
  gradients_.narrow(0, border, size() - border).add_(compute_gradients_[1]);
  for (const at::Tensor& part : compute_gradients_) part.zero_();
}

void Parameters::publish() {
  const at::NoGradGuard no_grad;
  const std::int64_t border = begin_[kFirstFloat32Group];
  compute_[0].copy_(masters_.narrow(0, 0, border));
  compute_[1].copy_(masters_.narrow(0, border, size() - border));
}

std::vector<at::Tensor> Parameters::group(const at::Tensor& flat, bool decays) const {
  std::vector<at::Tensor> parts;
  for (const bool float32 : {false, true}) {
    const std::size_t group = group_of(float32, decays);
    const std::int64_t count = begin_[group + 1] - begin_[group];
    if (count > 0) parts.push_back(flat.narrow(0, begin_[group], count));
  }
  return parts;
}

NamedTensors Parameters::named(const at::Tensor& flat) const {
  NamedTensors tensors;
  for (const Entry& entry : entries_) tensors.emplace(entry.name, view(flat, entry));
  return tensors;
}

void Parameters::assign(const at::Tensor& flat, const NamedTensors& tensors) const {
  for (const Entry& entry : entries_) {
    const auto found = tensors.find(entry.name);
    if (found == tensors.end()) throw FormatError("training state: missing " + entry.name);
    const at::Tensor& tensor = found->second;
    if (tensor.sizes() != entry.shape || tensor.scalar_type() != at::kFloat) {
      throw FormatError(concat("training state: expected float32 ", at::IntArrayRef(entry.shape),
                               " for ", entry.name, ", got ", tensor.scalar_type(), " ",
                               tensor.sizes()));
    }
  }
  const at::NoGradGuard no_grad;
  for (const Entry& entry : entries_) view(flat, entry).copy_(tensors.at(entry.name));
}

}  // namespace radial::video
