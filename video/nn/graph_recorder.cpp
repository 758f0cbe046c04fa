#include "video/nn/graph_recorder.h"

#include <dlfcn.h>

#include "radial/base/error.h"

namespace radial::video {

std::unique_ptr<GraphRecorder> cuda_graph_recorder(c10::Device device) {
  using Make = GraphRecorder* (*)(int);
  if (!device.is_cuda()) {
    throw Unsupported(concat("CUDA graphs: expected an NVIDIA GPU, got ", device.str()));
  }
  static void* const library = dlopen("libradial_cuda_graphs.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Unsupported(
        "CUDA graphs: libradial_cuda_graphs.so, part of builds with CUDA, is missing");
  }
  const auto make = reinterpret_cast<Make>(dlsym(library, "radial_make_cuda_graph_recorder"));
  if (make == nullptr) throw Error("CUDA graphs: libradial_cuda_graphs.so is no library of ours");
  return std::unique_ptr<GraphRecorder>(make(device.has_index() ? device.index() : 0));
}

}  // namespace radial::video
