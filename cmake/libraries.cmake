# The borrowed libraries, each linked to the one folder that uses it.
# Sources that need one are left out of the plain build:
set(MR_NEEDS_LIBRARY
  "/ops/.*_(onednn|openblas)\\.cpp$"
  "/models/weights/"
  "/data/(image|coco|cityscapes)[a-z_]*(/|_test\\.cpp$)")

# A folder without sources yet is an INTERFACE library.
function(mr_use name)
  get_target_property(type mr_${name} TYPE)
  set(scope PUBLIC)
  if(type STREQUAL INTERFACE_LIBRARY)
    set(scope INTERFACE)
  endif()
  target_link_libraries(mr_${name} ${scope} ${ARGN})
endfunction()

function(mr_link_libraries)
  if(MR_PLAIN)
    return()
  endif()
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(OPENBLAS IMPORTED_TARGET openblas)
  if(OPENBLAS_FOUND)
    mr_use(ops PkgConfig::OPENBLAS)
    target_compile_definitions(mr_flags INTERFACE MR_HAS_OPENBLAS)
  endif()
  find_package(dnnl CONFIG QUIET)
  if(dnnl_FOUND)
    mr_use(ops DNNL::dnnl)
    target_compile_definitions(mr_flags INTERFACE MR_HAS_ONEDNN)
  endif()
  find_package(nlohmann_json REQUIRED)
  find_package(JPEG REQUIRED)
  pkg_check_modules(SPNG REQUIRED IMPORTED_TARGET spng)
  pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
  mr_use(data nlohmann_json::nlohmann_json JPEG::JPEG PkgConfig::SPNG)
  mr_use(models nlohmann_json::nlohmann_json PkgConfig::LIBZIP)
  find_package(fmt REQUIRED)
  find_package(CLI11 REQUIRED)
  find_path(TOMLPLUSPLUS toml++/toml.h REQUIRED)
  mr_use(train fmt::fmt)
endfunction()
