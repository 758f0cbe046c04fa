#pragma once

// What happens to one channel, the same on CPU and GPU.

#ifdef __CUDACC__
#define RADIAL_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define RADIAL_HOST_DEVICE inline
#endif

namespace radial {

/// `round` rounds to the type in which the tensors are kept.
template <typename Round>
RADIAL_HOST_DEVICE float rms_normed(float x, float inverse_rms, float weight, const Round& round) {
  return round(round(x * inverse_rms) * weight);
}

/// The pair (x, y) as a complex number, times (cosine, sine).
RADIAL_HOST_DEVICE void turn(float& x, float& y, float cosine, float sine) {
  const float turned = x * cosine - y * sine;
  y = x * sine + y * cosine;
  x = turned;
}

RADIAL_HOST_DEVICE float modulated(float x, float mean, float inverse_deviation, float factor,
                                   float shift) {
  return (x - mean) * inverse_deviation * factor + shift;
}

RADIAL_HOST_DEVICE float gated(float x, float branch, float gate) { return x + branch * gate; }

}  // namespace radial
