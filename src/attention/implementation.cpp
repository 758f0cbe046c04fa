#include "radial/attention/implementation.h"

#include <cstdlib>

#include "attention/cpu/cpu_implementations.h"
#include "attention/cuda/cuda_implementations.h"
#include "attention/implementation_list.h"
#include "attention/reference/reference_implementations.h"
#include "radial/base/error.h"

namespace radial {
namespace {

std::string_view name_of(DeviceType device) { return device == DeviceType::kCpu ? "cpu" : "cuda"; }

/// Why `candidate` cannot serve `problem`; empty if it can.
std::string refusal(const Implementation& candidate, const AttentionProblem& problem) {
  if (candidate.device != problem.device.type) {
    return concat("runs on ", name_of(candidate.device), ", the tensors are on ",
                  name_of(problem.device.type));
  }
  std::string reason = candidate.unavailable();
  return reason.empty() ? candidate.declines(problem) : reason;
}

const Implementation& named_implementation(const AttentionProblem& problem, std::string_view name) {
  std::string known;
  for (const Implementation& candidate : implementation_list()) {
    if (candidate.name == name) {
      const std::string reason = refusal(candidate, problem);
      if (!reason.empty()) throw Unsupported(concat("implementation ", name, ": ", reason));
      return candidate;
    }
    known += concat(known.empty() ? "" : ", ", candidate.name);
  }
  throw InvalidArgument(concat("implementation: expected one of ", known, "; got '", name, "'"));
}

}  // namespace

const std::vector<Implementation>& implementation_list() {
  static const std::vector<Implementation> list = [] {
    std::vector<Implementation> all;
    for (const auto part :
         {cuda_implementations(), cpu_implementations(), reference_implementations()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return list;
}

std::vector<ImplementationInfo> implementations() {
  std::vector<ImplementationInfo> infos;
  for (const Implementation& implementation : implementation_list()) {
    std::string unavailable = implementation.unavailable();
    const bool available = unavailable.empty();
    infos.push_back({implementation.name, implementation.description, implementation.device,
                     available, std::move(unavailable)});
  }
  return infos;
}

const Implementation& select_implementation(const AttentionProblem& problem,
                                            std::string_view asked) {
  if (asked.empty()) {
    if (const char* forced = std::getenv("RADIAL_IMPLEMENTATION")) asked = forced;
  }
  if (!asked.empty()) return named_implementation(problem, asked);
  std::string reasons;
  for (const Implementation& candidate : implementation_list()) {
    if (candidate.device != problem.device.type) continue;
    const std::string reason = refusal(candidate, problem);
    if (reason.empty()) return candidate;
    reasons += concat(reasons.empty() ? "" : "; ", candidate.name, ": ", reason);
  }
  if (reasons.empty()) reasons = "this build of the library has no implementation for it";
  throw Unsupported(concat("attention on ", name_of(problem.device.type), ": ", reasons));
}

}  // namespace radial
