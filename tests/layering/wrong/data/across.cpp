// Planted: data does not see autograd; it may see JSON.
#include <nlohmann/json.hpp>
#include <vector>

#include "autograd/var.h"
