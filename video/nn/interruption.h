#pragma once

#include "radial/base/error.h"

namespace radial::video {

/// A computation was stopped because request_interruption() was called.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// Asks every computation of the engine to stop at its next convenient point: between two blocks of
/// a model, two tensors being loaded. May be called by a signal handler. The request stays.
void request_interruption() noexcept;

/// Throws Interrupted if that was asked for.
void stop_if_requested();

}  // namespace radial::video
