# What `cmake --install` puts where: programs, headers, the library with its package files for CMake
# and pkg-config, manual pages. Nothing in them names the prefix: the tree can be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/trackway)
install(TARGETS ${TRACKWAY_PROGRAMS} RUNTIME)
install(DIRECTORY include/trackway TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(TARGETS trackway EXPORT trackway-targets ARCHIVE)
install(EXPORT trackway-targets NAMESPACE trackway:: DESTINATION ${package_dir})
configure_package_config_file(tools/trackway-config.cmake.in trackway-config.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break what was there.
write_basic_package_version_file(trackway-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/trackway-config.cmake
        ${PROJECT_BINARY_DIR}/trackway-config-version.cmake DESTINATION ${package_dir})

# pkg-config finds the prefix from its own place, TRACKWAY_UP of it.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE TRACKWAY_UP)
cmake_path(APPEND includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})  # as it is, where absolute
cmake_path(APPEND libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
configure_file(tools/trackway.pc.in trackway.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/trackway.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# One manual page for each program, from its --help.
find_program(HELP2MAN help2man)
if(NOT HELP2MAN)
  message(STATUS "No manual pages: help2man was not found (Debian package help2man)")
elseif(CMAKE_CROSSCOMPILING)
  message(STATUS "No manual pages: programs of another machine cannot be asked for --help")
elseif(TRACKWAY_SANITIZE)
  message(STATUS "No manual pages: a build with sanitizers is for tests")
else()
  foreach(program ${TRACKWAY_PROGRAMS})
    set(page ${PROJECT_BINARY_DIR}/man/${program}.1)
    add_custom_command(
      OUTPUT ${page}
      COMMAND ${PROJECT_SOURCE_DIR}/tools/make_man_page $<TARGET_FILE:${program}> ${page}
              ${TRACKWAY_PROGRAMS}
      DEPENDS ${program} tools/make_man_page tools/man_page.txt VERBATIM)
    list(APPEND pages ${page})
  endforeach()
  add_custom_target(man ALL DEPENDS ${pages})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
