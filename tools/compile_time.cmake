# What makes compiling take less time: headers that many files include, compiled once, and ccache
# where it is installed.

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)
  endif()
endif()

set(TRACKWAY_STANDARD_HEADERS <algorithm> <array> <cmath> <cstddef> <cstdint> <cstring> <filesystem>
    <functional> <limits> <memory> <optional> <span> <string> <string_view> <utility> <vector>
    <tl/expected.hpp>)
set(TRACKWAY_HEADERS_OF_LIBRARY ${TRACKWAY_STANDARD_HEADERS})
set(TRACKWAY_HEADERS_OF_PARSER ${TRACKWAY_STANDARD_HEADERS})
set(TRACKWAY_HEADERS_OF_TOOLS ${TRACKWAY_STANDARD_HEADERS} <nlohmann/json.hpp> <CLI/CLI.hpp>)
set(TRACKWAY_HEADERS_OF_PROGRAM ${TRACKWAY_HEADERS_OF_TOOLS})
set(TRACKWAY_HEADERS_OF_TEST ${TRACKWAY_STANDARD_HEADERS} <doctest/doctest.h>)
set(TRACKWAY_HEADERS_OF_BENCH ${TRACKWAY_STANDARD_HEADERS} <benchmark/benchmark.h>)

# kind: LIBRARY, PARSER, TOOLS, PROGRAM, TEST or BENCH. All targets of a kind share the headers that the
# first of them compiles, so they must have the same compiler options.
function(trackway_precompile target kind)
  if(NOT TRACKWAY_PRECOMPILED_HEADERS)
    return()
  endif()
  get_property(owner GLOBAL PROPERTY TRACKWAY_PRECOMPILED_${kind})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${TRACKWAY_HEADERS_OF_${kind}})
    set_property(GLOBAL PROPERTY TRACKWAY_PRECOMPILED_${kind} ${target})
  endif()
endfunction()
