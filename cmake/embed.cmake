# mr_embed(target folder variable): the text files of a folder become C++ raw strings in one generated source of the target,
#   const std::vector<ShippedRecipe>& shipped_recipes()
# so that one binary does the whole job. Editing a file reconfigures.
function(mr_embed_recipes target folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.toml)
  set(rows "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND rows "      {\"${name}\", R\"TOML(${text})TOML\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/shipped_recipes.cpp @ONLY CONTENT [[
// Written by cmake/embed.cmake from train/recipes/*.toml.
#include "train/recipe.h"

namespace mr {

const std::vector<ShippedRecipe>& shipped_recipes() {
  static const std::vector<ShippedRecipe> recipes = {
@rows@  };
  return recipes;
}

}  // namespace mr
]])
  target_sources(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated/shipped_recipes.cpp)
endfunction()
