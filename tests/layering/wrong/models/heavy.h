// Planted: too heavy for a header; and JSON in a header.
#include <iostream>
#include <nlohmann/json.hpp>
