// Planted for the test of the list of packages.
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
