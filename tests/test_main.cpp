// The one file that compiles the test framework.
#define CATCH_CONFIG_MAIN
#include "tests/catch.h"
