# The borrowed libraries, each linked to the one folder that uses it.
# Sources that need one are left out of the plain build:
set(MR_NEEDS_LIBRARY
  "/ops/.*_(onednn|openblas)\\.cpp$"
  "/data/(image|cache|coco|cityscapes|convert|export|folders)[a-z_]*(/|_test\\.cpp$)")

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
  include(cmake/find_libraries.cmake)
  if(OPENBLAS_FOUND)
    mr_use(ops PkgConfig::OPENBLAS)
    target_compile_definitions(mr_flags INTERFACE MR_HAS_OPENBLAS)
  endif()
  if(dnnl_FOUND)
    mr_use(ops DNNL::dnnl)
    target_compile_definitions(mr_flags INTERFACE MR_HAS_ONEDNN)
  endif()
  mr_use(data JPEG::JPEG PkgConfig::SPNG PkgConfig::WEBP PkgConfig::WEBPDEMUX PkgConfig::TIFF PkgConfig::ZSTD)
  mr_use(data nlohmann_json::nlohmann_json pugixml::pugixml PkgConfig::YAML)
  mr_header(STB_IMAGE stb/stb_image.h libstb-dev)
  mr_find(CLI11 libcli11-dev)
  mr_header(TOMLPLUSPLUS toml++/toml.h libtomlplusplus-dev)
  mr_use(train fmt::fmt)
endfunction()
