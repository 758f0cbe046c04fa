// A read-only view is no place for results.
#include "radial/attention/attention.h"

radial::ForwardArgs args(const radial::TensorView& view) {
#ifdef RADIAL_WRONG
  return {.q = as_const(view), .k = as_const(view), .v = as_const(view), .out = as_const(view)};
#else
  return {.q = as_const(view), .k = as_const(view), .v = as_const(view), .out = view};
#endif
}
