#include "video/pipeline/part_check.h"

#include "radial/base/error.h"
#include "video/text/umt5_encoder.h"

namespace radial::video {
namespace {

// Gives tensors without their values: a model made of them has names and shapes checked, no more.
class HeaderSource : public CheckpointSource {
 public:
  HeaderSource(const std::filesystem::path& path, PartKind kind, at::ScalarType dtype)
      : CheckpointSource(Checkpoint::open(path), kind,
                         {.dtype = dtype, .device = at::kMeta, .check_finite = false}) {}

  const PartSize& size() const { return size_; }

 protected:
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override {
    at::Tensor tensor = CheckpointSource::load(name, shape, dtype);
    size_.parameters += tensor.numel();
    size_.bytes += tensor.nbytes();
    return tensor;
  }

 private:
  PartSize size_;
};

}  // namespace

PartSize check_transformer(const WanFiles& files, at::ScalarType dtype,
                           const std::vector<LoraUse>& loras) {
  const WanConfig config = read_transformer_config(files);
  HeaderSource source(files.transformer, PartKind::kWanTransformer, dtype);
  const WanTransformer checked(config, source);
  source.finish();
  // After the model has taken its tensors: the changes themselves are not computed here.
  apply_loras(source, loras);
  return source.size();
}

PartSize check_vae(const WanFiles& files, at::ScalarType dtype) {
  HeaderSource source(files.vae, PartKind::kWanVae, dtype);
  const WanVae checked(read_vae_config(files), source);
  source.finish();
  return source.size();
}

PartSize check_text_encoder(const TextFiles& files, at::ScalarType dtype) {
  HeaderSource source(files.encoder, PartKind::kUmt5, dtype);
  const Umt5Encoder checked(files.config, source);
  return source.size();
}

}  // namespace radial::video
