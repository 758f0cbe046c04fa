#include "c_api/boundary.h"

#include <new>

namespace radial::c_api {
namespace {

// A fixed buffer: keeping a message must not fail when memory has run out.
thread_local char last_error[2048] = "";

}  // namespace

radial_status fail(radial_status status, const char* message) noexcept {
  std::strncpy(last_error, message, sizeof(last_error) - 1);
  last_error[sizeof(last_error) - 1] = '\0';
  return status;
}

radial_status status_of_exception() noexcept {
  try {
    throw;
  } catch (const InvalidArgument& error) {
    return fail(RADIAL_INVALID_ARGUMENT, error.what());
  } catch (const Unsupported& error) {
    return fail(RADIAL_UNSUPPORTED, error.what());
  } catch (const FormatError& error) {
    return fail(RADIAL_FORMAT_ERROR, error.what());
  } catch (const CudaError& error) {
    return fail(RADIAL_CUDA_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    return fail(RADIAL_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(RADIAL_INTERNAL_ERROR, error.what());
  } catch (...) {
    return fail(RADIAL_INTERNAL_ERROR, "unknown error");
  }
}

}  // namespace radial::c_api

uint32_t radial_abi_version(void) { return RADIAL_ABI_VERSION; }
const char* radial_version(void) { return RADIAL_VERSION_STRING; }
const char* radial_last_error(void) { return radial::c_api::last_error; }
