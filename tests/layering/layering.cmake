# Reads every include of the tree and fails on one that runs against the layers, on a borrowed library outside its room, and on a
# heavy header in a header.      usage: cmake -DROOT=<folder of the project> -P layering.cmake
#
#   base <- geometry <- tensor <- autograd <- ops <- models <- train <- bench <- app      data: base, geometry and tensor only
cmake_minimum_required(VERSION 3.25)

# What each folder may include.
set(may_base base)
set(may_geometry geometry base)
set(may_tensor tensor ${may_geometry})
set(may_autograd autograd ${may_tensor})
set(may_ops ops ${may_autograd})
set(may_models models ${may_ops})
set(may_data data ${may_tensor})
set(may_train train ${may_models} data)
set(may_bench bench ${may_train})
set(may_app app ${may_bench})
set(may_examples ${may_train})
set(may_gpu ${may_train})                          # tests/gpu: kernels from every folder, and a whole run
# Rooms of models/: a system is put together from parts, and no part knows its system.
set(parts backbones proposals heads systems)
set(may_part_backbones backbones)
set(may_part_proposals proposals backbones)
set(may_part_heads heads backbones)
set(may_part_systems ${parts})
set(folders base geometry tensor autograd ops models data train app bench examples tests)

# Borrowed headers, and the files that may see them: no header of ours, which would pass them on (but for the program's own).
set(rooms
  "cblas.h=^ops/.*_openblas\\.cpp$"
  "oneapi/dnnl/.*=^ops/.*onednn[a-z_]*\\.(cpp|h)$"
  "dnnl.hpp=^ops/.*onednn[a-z_]*\\.(cpp|h)$"
  "jpeglib.h=^(data/image/jpeg\\.cpp|tests/data/.*)$"
  "jerror.h=^data/image/jpeg\\.cpp$"
  "spng.h=^(data/image/png(_encode)?\\.cpp|tests/data/.*)$"
  "webp/.*=^(data/image/webp\\.cpp|tests/data/.*)$"
  "tiffio.h=^(data/image/tiff.*|tests/data/.*)$"
  "stb/?.*=^data/image/stb\\.cpp$"
  "nlohmann/.*=^((data|train|app)/.*\\.cpp|tests/(data|train|app)/.*)$"
  "pugixml.hpp=^data/convert/(xml\\.h|[a-z]+\\.cpp)$"
  "yaml.h=^data/convert/yolo_yaml\\.cpp$"
  "zstd.h=^data/cache/packed\\.cpp$"
  "simdjson.h=^data/.*\\.cpp$"
  "toml\\+\\+/.*=^train/.*\\.cpp$"
  "fmt/.*=^(train|app|bench/timings)/.*\\.cpp$"
  "CLI/.*=^app/.*$"
  "benchmark/.*=^bench/.*\\.cpp$"
  "catch2/.*=^tests/catch\\.h$"
  "sanitizer/.*=^tensor/(asan\\.h|gpu/emulated/fibre\\.cpp)$"
  "boost/context/.*=^tensor/gpu/emulated/fibre\\.cpp$"
  "cuda_runtime_api.h=^tensor/gpu/[a-z]+_cuda\\.cpp$"
  "cublasLt.h=^tensor/gpu/blas_cuda\\.cpp$"
  "omp.h=^tensor/parallel\\.cpp$"
  "immintrin.h=^tensor/simd\\.h$")
# The operating system's: files, signals, terminals. Not in the mathematics.
set(system "(unistd|fcntl|poll|termios|dlfcn|malloc|signal|stdio_ext|sched|ucontext)\\.h|sys/[a-z]+\\.h")
set(system_rooms "^(base/(file|memory|processors)|tensor/(parallel|storage|context|gpu/emulated/)|models/weights/|data/|train/|app/|bench/|tests/)")
set(heavy "iostream|regex")                        # in a header: they cost every file that includes it

set(wrong "")
set(files 0)
set(includes 0)
foreach(folder IN LISTS folders)
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.cpp ${ROOT}/${folder}/*.cu ${ROOT}/${folder}/*.cuh)
  list(FILTER sources EXCLUDE REGEX "^tests/(layering|(gpu|setup)/wrong)/")
  foreach(source IN LISTS sources)
    math(EXPR files "${files} + 1")
    set(may ${may_${folder}})
    if(folder STREQUAL "tests")                    # the tests of a folder see what it sees, and the tests' own helpers
      string(REGEX REPLACE "^tests/([a-z_]+)/.*$" "\\1" tested "${source}")
      if(DEFINED may_${tested})
        set(may tests ${may_${tested}})
      else()
        set(may ${folders})                        # goldens, programs of their own
      endif()
    endif()
    file(STRINGS ${ROOT}/${source} lines REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS lines)
      math(EXPR includes "${includes} + 1")
      if(line MATCHES "include[ \t]*\"([^\"]+)\"")
        set(header ${CMAKE_MATCH_1})
        if(folder STREQUAL "examples")             # which see the installed headers
          string(REGEX REPLACE "^maskrcnn/" "" header "${header}")
        endif()
        string(REGEX REPLACE "/.*$" "" from "${header}")
        if(NOT from IN_LIST may)
          string(JOIN ", " allowed ${may})
          list(APPEND wrong "${source} includes \"${header}\", but may include ${allowed} alone")
        endif()
        if(source MATCHES "^models/" AND header MATCHES "^models/([a-z]+)/")
          set(part ${CMAKE_MATCH_1})
          string(REGEX REPLACE "^models/([a-z]+)/.*$" "\\1" own "${source}")
          if(part IN_LIST parts AND NOT part IN_LIST may_part_${own})
            list(APPEND wrong "${source} includes \"${header}\": ${part} are put together from it, not the other way round")
          endif()
        endif()
      elseif(line MATCHES "include[ \t]*<([^>]+)>")
        set(header ${CMAKE_MATCH_1})
        set(ok FALSE)
        if(header MATCHES "^[a-z_]+$")             # the C++ library
          set(ok TRUE)
          if(source MATCHES "\\.h$" AND header MATCHES "^(${heavy})$" AND NOT folder STREQUAL "tests")
            list(APPEND wrong "${source} includes <${header}>: too heavy for a header")
          endif()
        elseif(header MATCHES "^(${system})$" AND source MATCHES "${system_rooms}")
          set(ok TRUE)
        endif()
        foreach(room IN LISTS rooms)
          string(REGEX MATCH "^(.*)=(.*)$" matched "${room}")
          set(files_of_room "${CMAKE_MATCH_2}")
          if(header MATCHES "^${CMAKE_MATCH_1}$" AND source MATCHES "${files_of_room}")
            set(ok TRUE)
          endif()
        endforeach()
        if(NOT ok)
          list(APPEND wrong "${source} includes <${header}>, which has no room there (tests/layering/layering.cmake)")
        endif()
      endif()
    endforeach()
  endforeach()
endforeach()

list(LENGTH wrong count)
foreach(line IN LISTS wrong)
  message(NOTICE "${line}")
endforeach()
if(files EQUAL 0)
  message(FATAL_ERROR "layering: no sources under ${ROOT}")
elseif(count GREATER 0)
  message(FATAL_ERROR "layering: ${count} includes against the layers")
endif()
message(NOTICE "layering: ${includes} includes in ${files} files, all along the layers")
