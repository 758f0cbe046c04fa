# cmake --install: library, headers, the radial command, a CMake package and a pkg-config file.
include(CMakePackageConfigHelpers)

file(GLOB_RECURSE radial_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/radial/*.h)
target_sources(radial PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                                              FILES ${radial_headers})
set_target_properties(radial PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)

set(radial_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/radial)
install(TARGETS radial EXPORT radialTargets
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT radialTargets NAMESPACE radial:: DESTINATION ${radial_package_dir})

# A static library with CUDA kernels leaves the CUDA runtime to whoever links it.
set(RADIAL_NEEDS_CUDA_RUNTIME OFF)
if(RADIAL_CUDA AND NOT BUILD_SHARED_LIBS)
  set(RADIAL_NEEDS_CUDA_RUNTIME ON)
  target_link_libraries(radial INTERFACE $<INSTALL_INTERFACE:CUDA::cudart_static>)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/radialConfig.cmake.in
  ${PROJECT_BINARY_DIR}/radialConfig.cmake INSTALL_DESTINATION ${radial_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/radialConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/radialConfig.cmake
              ${PROJECT_BINARY_DIR}/radialConfigVersion.cmake
        DESTINATION ${radial_package_dir})

# The prefix follows from where the file lies, so that an installed tree can be moved.
file(RELATIVE_PATH RADIAL_PREFIX_FROM_PC "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" RADIAL_PREFIX_FROM_PC "${RADIAL_PREFIX_FROM_PC}")
set(RADIAL_PC_STATIC_LIBS "-lstdc++ -lm -lpthread")
if(RADIAL_NEEDS_CUDA_RUNTIME)
  string(APPEND RADIAL_PC_STATIC_LIBS " -lcudart_static -ldl -lrt")
endif()
if(BUILD_SHARED_LIBS)
  set(RADIAL_PC_LIBS "")
  set(RADIAL_PC_PRIVATE_LIBS "${RADIAL_PC_STATIC_LIBS}")
else()
  set(RADIAL_PC_LIBS " ${RADIAL_PC_STATIC_LIBS}")
  set(RADIAL_PC_PRIVATE_LIBS "")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/radial.pc.in ${PROJECT_BINARY_DIR}/radial.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/radial.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(RADIAL_TOOLS AND RADIAL_TORCH AND EXISTS ${PROJECT_SOURCE_DIR}/models/demo/transformer)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/demo DESTINATION ${CMAKE_INSTALL_DATADIR}/radial/models
    PATTERN training EXCLUDE)
endif()
