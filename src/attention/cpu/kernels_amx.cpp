// AMX with BF16: products on tiles by tdpbf16ps, the rest by AVX-512 with BF16.

#include "attention/cpu/amx_tiles.h"
//
#include "attention/cpu/amx_kernels.h"

namespace radial::cpu {

const Kernels& amx_kernels() { return kTable; }

}  // namespace radial::cpu
