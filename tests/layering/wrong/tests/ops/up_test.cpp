// Planted: the tests of ops do not see models.
#include "models/system.h"
#include "tests/catch.h"
