# What every target of the project has in common.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

find_program(RADIAL_CCACHE ccache)
if(RADIAL_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${RADIAL_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${RADIAL_CCACHE})
endif()

include(GNUInstallDirs)
find_package(Threads REQUIRED)

# Warnings and sanitizers for a target of ours.
function(radial_target_defaults target)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${RADIAL_WERROR}>>:-Werror>)
  if(RADIAL_SANITIZE)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RADIAL_SANITIZE}
                                  -fno-sanitize-recover=all -fno-omit-frame-pointer>)
    target_link_options(${target} PUBLIC -fsanitize=${RADIAL_SANITIZE})
  endif()
endfunction()
