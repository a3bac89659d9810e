# scripts/setup against what the tree uses: every library that CMake looks for and every header that a source includes comes with a package
# of the list, and every package of the list is used.      usage: cmake -DROOT=<folder of the project> -P packages.cmake
cmake_minimum_required(VERSION 3.25)

# The package of a header that is neither ours nor the C++ library's nor the C library's.
set(headers
  "cblas.h=libopenblas-openmp-dev"
  "oneapi/dnnl/.*=libdnnl-dev"
  "dnnl.hpp=libdnnl-dev"
  "(jpeglib|jerror).h=libjpeg62-turbo-dev"
  "spng.h=libspng-dev"
  "stb/.*=libstb-dev"
  "webp/.*=libwebp-dev"
  "tiff(io)?.h=libtiff-dev"
  "pugixml.hpp=libpugixml-dev"
  "yaml.h=libyaml-dev"
  "zstd.h=libzstd-dev"
  "nlohmann/.*=nlohmann-json3-dev"
  "toml\\+\\+/.*=libtomlplusplus-dev"
  "fmt/.*=libfmt-dev"
  "CLI/.*=libcli11-dev"
  "catch2/.*=catch2"
  "boost/context/.*=libboost-context-dev"
  "(sanitizer/.*|omp.h|immintrin.h)=g++"
  "(cuda[a-z_]*|cublas[A-Za-z]*|mma)\\.h=CUDA"
  "(unistd|fcntl|poll|termios|dlfcn|malloc|signal|sched|stdio_ext|ucontext|pthread)\\.h|sys/[a-z]+\\.h=libc6-dev")
# Programs: the file that calls one, and how it stands there.
set(programs
  "CMakePresets.json=\"Ninja\"=ninja-build"
  "CMakeLists.txt=find_program\\(MR_CCACHE ccache\\)=ccache"
  "CMakeLists.txt=LANGUAGES CXX=g++"
  "scripts/demo=cmake --preset=cmake"
  "scripts/test=clang-format-14=clang-format-14"
  "scripts/test=git ls-files=git"
  "scripts/tidy=clang-tidy-14=clang-tidy-14"
  "scripts/kernels=env python3=python3"
  "scripts/venv=python3 -m venv=python3-venv"
  "scripts/fresh=mmdebstrap --quiet=mmdebstrap")

file(STRINGS ${ROOT}/scripts/setup lines)
set(listed "")
set(inside FALSE)
foreach(line IN LISTS lines)
  if(line MATCHES "^packages=\\(")
    set(inside TRUE)
    string(REPLACE "packages=(" "" line "${line}")
  endif()
  if(inside)
    string(REGEX REPLACE "#.*$" "" words "${line}")
    if(words MATCHES "\\)")
      set(inside FALSE)
      string(REPLACE ")" "" words "${words}")
    endif()
    separate_arguments(words UNIX_COMMAND "${words}")
    list(APPEND listed ${words})
  endif()
endforeach()
if(NOT listed)
  message(FATAL_ERROR "packages: scripts/setup has no list")
endif()

set(wrong "")
set(used "")
macro(use package where)                           # CUDA's toolkit is no package of Debian's: a machine has it or builds without
  if(NOT "${package}" STREQUAL CUDA)
    list(APPEND used ${package})
    if(NOT "${package}" IN_LIST listed)
      list(APPEND wrong "${where} needs ${package}, which scripts/setup does not install")
    endif()
  endif()
endmacro()

file(GLOB_RECURSE scripts RELATIVE ${ROOT} ${ROOT}/cmake/*.cmake ${ROOT}/tests/CMakeLists.txt ${ROOT}/bench/CMakeLists.txt)
foreach(script IN LISTS scripts ITEMS CMakeLists.txt)
  if(EXISTS ${ROOT}/${script} AND NOT script STREQUAL "cmake/find.cmake")
    file(READ ${ROOT}/${script} text)
    string(REGEX REPLACE "#[^\n]*" "" text "${text}")
    string(REGEX MATCHALL "(mr_find|mr_pkg|mr_header|find_package|pkg_check_modules|find_path|find_library)\\([^)]*\\)" calls "${text}")
    foreach(call IN LISTS calls)
      if(call MATCHES "^mr_find\\([A-Za-z0-9_]+ +([^ )]+)")
        use(${CMAKE_MATCH_1} "${script}: ${call}")
      elseif(call MATCHES "^mr_[a-z]+\\([^ ]+ +[^ ]+ +([^ )]+)")
        use(${CMAKE_MATCH_1} "${script}: ${call}")
      elseif(NOT call MATCHES "find_package\\(CUDAToolkit")
        list(APPEND wrong "${script}: ${call}: find it by mr_find, mr_pkg or mr_header (cmake/find.cmake), which name its package")
      endif()
    endforeach()
  endif()
endforeach()

foreach(folder base geometry tensor autograd ops models data train app bench examples tests)
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cpp ${ROOT}/${folder}/*.cu ${ROOT}/${folder}/*.cuh)
  list(FILTER sources EXCLUDE REGEX "^tests/([a-z]+/)?[a-z]*/?wrong/")
  foreach(source IN LISTS sources)
    file(STRINGS ${ROOT}/${source} lines REGEX "^[ \t]*#[ \t]*include[ \t]*<")
    foreach(line IN LISTS lines)
      string(REGEX MATCH "<([^>]+)>" matched "${line}")
      set(header ${CMAKE_MATCH_1})
      if(NOT header MATCHES "^[a-z_0-9]+$")        # the C++ library
        set(known FALSE)
        foreach(row IN LISTS headers)
          string(REGEX MATCH "^(.*)=([^=]*)$" matched "${row}")
          set(package ${CMAKE_MATCH_2})
          if(header MATCHES "^(${CMAKE_MATCH_1})$")
            set(known TRUE)
            use(${package} "${source}: <${header}>")
          endif()
        endforeach()
        if(NOT known)
          list(APPEND wrong "${source}: <${header}>: of which package? tests/setup/packages.cmake does not say")
        endif()
      endif()
    endforeach()
  endforeach()
endforeach()

foreach(row IN LISTS programs)
  string(REGEX MATCH "^([^=]*)=(.*)=([^=]*)$" matched "${row}")
  set(file ${CMAKE_MATCH_1})
  set(words ${CMAKE_MATCH_2})
  set(package ${CMAKE_MATCH_3})
  if(EXISTS ${ROOT}/${file})
    file(READ ${ROOT}/${file} text)
    if(text MATCHES "${words}")
      use(${package} "${file}")
    endif()
  endif()
endforeach()

foreach(package IN LISTS listed)
  if(NOT package IN_LIST used)
    list(APPEND wrong "scripts/setup installs ${package}, which nothing uses")
  endif()
endforeach()
list(REMOVE_DUPLICATES wrong)
list(LENGTH wrong count)
foreach(line IN LISTS wrong)
  message(NOTICE "${line}")
endforeach()
list(LENGTH listed packages)
if(count GREATER 0)
  message(FATAL_ERROR "packages: ${count} faults")
endif()
message(NOTICE "packages: ${packages} in scripts/setup, each used, and nothing else is")
